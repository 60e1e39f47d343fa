// Opens pages in Chromium, for cmd/cutline/integration_browser_test.go: takes a file with [{url, width, dpr, screenshot, scroll}],
// prints for each what the page shows. No image is let through before the page has been painted without it, so that one
// that moves what is around it is seen to do so.
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'

const puppeteer = createRequire(process.env.CUTLINE_WORK + '/')('puppeteer-core')

const browser = await puppeteer.launch({
  executablePath: '/usr/bin/chromium',
  args: process.getuid() === 0 ? ['--no-sandbox'] : [], // Chromium has no sandbox for root
})

const observe = () => {
  globalThis.shift = 0
  new PerformanceObserver((list) => list.getEntries().forEach((e) => { globalThis.shift += e.value })).observe({ type: 'layout-shift', buffered: true })
}

const painted = () => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(done))))

const describe = (img) => {
  const figure = img.closest('figure')
  const word = (name) => {
    const e = figure?.querySelector('.cutline-' + name)
    if (!e?.checkVisibility({ opacityProperty: true, visibilityProperty: true })) return null
    const box = e.getBoundingClientRect()
    return box.width > 0 && box.height > 0 && box.top >= 0 && box.left >= 0 && box.bottom <= innerHeight && box.right <= innerWidth ? e.textContent : null
  }
  const box = img.getBoundingClientRect()
  return {
    src: img.currentSrc, width: box.width, height: box.height,
    background: getComputedStyle(img).backgroundImage.slice(0, 40), caption: word('caption'), credit: word('credit'),
  }
}

async function open({ url, width, dpr, screenshot, scroll }) {
  const context = await browser.createBrowserContext() // with an empty cache
  const page = await context.newPage()
  const types = {}
  const errors = []
  let release
  const first = new Promise((done) => { release = done })
  page.on('response', (r) => { types[r.url()] = r.headers()['content-type'] })
  page.on('pageerror', (e) => errors.push(String(e)))
  page.on('requestfailed', (r) => errors.push(r.url() + ' failed'))
  await page.setRequestInterception(true)
  page.on('request', async (r) => {
    if (r.resourceType() === 'image') await first
    await r.continue()
  })
  await page.setViewport({ width, height: 1000, deviceScaleFactor: dpr })
  await page.evaluateOnNewDocument(observe)
  await page.goto(url, { waitUntil: 'domcontentloaded' })
  await page.evaluate(painted)
  release()
  const seen = []
  for (const selector of ['img', scroll].filter(Boolean)) {
    const img = await page.$(selector)
    const before = Object.keys(types)
    if (selector === scroll) await img.evaluate((e) => e.closest('figure').scrollIntoView({ block: 'center' }))
    await page.waitForFunction((e) => e.complete && e.naturalWidth > 0, {}, img)
    await img.evaluate((e) => e.decode())
    await page.evaluate(painted)
    const found = await img.evaluate(describe)
    if (screenshot) await page.screenshot({ path: selector === scroll ? screenshot.replace('.png', '-below.png') : screenshot })
    const tree = await page.accessibility.snapshot({ root: img })
    seen.push({ ...found, type: types[found.src], early: before.includes(found.src), role: tree?.role, name: tree?.name })
  }
  const result = { seen, shift: await page.evaluate(() => globalThis.shift), errors }
  await context.close()
  return result
}

const results = []
for (const job of JSON.parse(readFileSync(process.argv[2]))) results.push(await open(job))
await browser.close()
console.log(JSON.stringify(results))
