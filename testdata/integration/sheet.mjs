// Works with the contact sheet in Chromium, for cmd/cutline/integration_sheet_test.go: takes a file with {url, empty, screenshots},
// the URLs of two servers and a folder; prints what axe-core finds on every page, and what an editor's day came to.
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'

const require = createRequire(process.env.CUTLINE_WORK + '/')
const puppeteer = require('puppeteer-core')
const { thumbHashToRGBA } = await import(require.resolve('thumbhash'))
const axe = readFileSync(require.resolve('axe-core/axe.min.js'), 'utf8')
const { url, empty, screenshots } = JSON.parse(readFileSync(process.argv[2]))

const browser = await puppeteer.launch({
  executablePath: '/usr/bin/chromium',
  args: process.getuid() === 0 ? ['--no-sandbox'] : [], // Chromium has no sandbox for root
})

const strays = [] // requests that left the server
const faults = [] // errors of scripts, violations of the policy
const result = { violations: [], wide: [], strays, faults, day: {} }

async function open(context, address, { width = 1440, height = 950, scheme = 'light', script = true } = {}) {
  const page = await context.newPage()
  const origin = new URL(address).origin
  page.on('request', (r) => { if (!r.url().startsWith(origin + '/') && !r.url().startsWith('data:')) strays.push(r.url()) })
  page.on('pageerror', (e) => faults.push(String(e)))
  page.on('console', (m) => {
    // A picture that cannot be had is what some of the pages are about.
    if (m.type() === 'error' && !/status of (404|502|503|504)/.test(m.text())) faults.push(m.text())
  })
  await page.evaluateOnNewDocument(() => {
    document.addEventListener('securitypolicyviolation', (e) => console.error(`policy: ${e.violatedDirective} ${e.blockedURI} ${e.sourceFile}`))
  })
  await page.setJavaScriptEnabled(script)
  await page.emulateMediaFeatures([{ name: 'prefers-color-scheme', value: scheme }, { name: 'prefers-reduced-motion', value: 'reduce' }])
  await page.setViewport({ width, height })
  await page.goto(address, { waitUntil: 'networkidle2', timeout: 120_000 })
  return page
}

// Every page, as narrow as a telephone and as wide as a desk, light and dark.
async function inspect() {
  const context = await browser.createBrowserContext()
  const id = new URL(await (await open(context, url + '/?q=clocks')).$eval('.open', (a) => a.href)).searchParams.get('image')
  const pages = {
    list: url + '/', filtered: url + '/?show=problems&sort=problems', search: url + '/?q=picture&sort=saved', none: url + '/?q=nothing+is+like+this',
    detail: url + '/?image=' + id, broken: url + '/?post=_posts/2025-01-02-dead', numbers: url + '/?view=numbers', notice: url + '/?image=gone', empty: empty + '/',
  }
  for (const [name, address] of Object.entries(pages)) {
    for (const width of [360, 1440]) {
      for (const scheme of ['light', 'dark']) {
        const page = await open(context, address, { width, height: width < 500 ? 780 : 950, scheme })
        // As high as the page is, so that all of it is painted: what is out of sight has no colours to look at.
        const height = await page.evaluate(() => document.scrollingElement.scrollHeight)
        if (name !== 'list') await page.setViewport({ width, height: Math.min(height, 6000) })
        await page.evaluate(axe)
        const { violations } = await page.evaluate(() => globalThis.axe.run(document, { resultTypes: ['violations'] }))
        for (const v of violations) {
          result.violations.push({ page: name, width, scheme, rule: v.id, nodes: v.nodes.map((n) => n.target.join(' ') + ': ' + n.failureSummary).slice(0, 3) })
        }
        const over = await page.evaluate(() => document.scrollingElement.scrollWidth - innerWidth)
        if (over > 0) result.wide.push(`${name} at ${width}: ${over}`)
        await page.screenshot({ path: join(screenshots, `sheet-${name}-${width}-${scheme}.png`) })
        await page.close()
      }
    }
  }
  await context.close()
}

// What an editor does, by keyboard alone.
async function work() {
  const day = result.day
  const context = await browser.createBrowserContext()
  await context.overridePermissions(url, ['clipboard-read', 'clipboard-write', 'clipboard-sanitized-write'])
  const page = await open(context, url + '/')
  await page.bringToFront()
  const titles = () => page.$$eval('.open', (all) => all.map((a) => a.textContent))
  const settled = (count) => page.waitForFunction((n) => !document.querySelector('.busy') && document.querySelectorAll('.open').length === n, { timeout: 30_000 }, count)
  const query = () => page.evaluate(() => location.search)
  const total = (await titles()).length

  await page.keyboard.press('Tab')
  day.first = await page.evaluate(() => document.activeElement.textContent)
  await page.keyboard.press('/')
  await page.keyboard.type('ClÓCKS go')
  await settled(1)
  day.found = { titles: await titles(), query: await query() }
  await page.waitForFunction(() => document.querySelector('#said').textContent !== '')
  day.said = await page.$eval('#said', (p) => p.textContent)
  await page.keyboard.press('Escape')
  await settled(total)
  day.cleared = await query()

  // On to the filter, which is a link like any other.
  for (let i = 0; i < 40 && await page.evaluate(() => document.activeElement.dataset.filter) !== 'missing-credit'; i++) await page.keyboard.press('Tab')
  const want = await page.evaluate(() => Number(document.activeElement.querySelector('.count').textContent))
  await page.keyboard.press('Enter')
  await settled(want)
  day.filtered = { query: await query(), count: want, focus: await page.evaluate(() => document.activeElement.dataset.filter), badges: await page.$$eval('.card', (all) => all.filter((c) => /No credit/.test(c.textContent)).length) }
  await page.goBack()
  await settled(total)
  day.back = await query()

  // Sorting, then the second picture of the list.
  await page.keyboard.press('/')
  await page.keyboard.press('Tab')
  await page.keyboard.press('ArrowDown')
  await page.keyboard.press('ArrowDown')
  await page.waitForFunction(() => location.search === '?sort=title' && !document.querySelector('.busy'))
  day.sorted = await titles()
  await page.evaluate(() => document.activeElement.blur())
  await page.keyboard.press('j')
  await page.keyboard.press('j')
  await page.keyboard.press('k')
  await page.keyboard.press('j')
  const second = await page.evaluate(() => document.activeElement.textContent)
  await Promise.all([page.waitForNavigation(), page.keyboard.press('Enter')])
  day.opened = { asked: second, title: await page.$eval('h1', (h) => h.textContent) }
  await Promise.all([page.waitForNavigation(), page.keyboard.press('ArrowRight')])
  await Promise.all([page.waitForNavigation(), page.keyboard.press('ArrowLeft')])
  day.again = await page.$eval('h1', (h) => h.textContent)
  await page.waitForFunction(() => document.querySelector('#preview').naturalWidth > 0, { timeout: 60_000 })
  await page.waitForSelector('#snippet-markdown', { timeout: 60_000 })

  for (let i = 0; i < 200 && await page.evaluate(() => document.activeElement.dataset.copy) !== 'snippet-markdown'; i++) await page.keyboard.press('Tab')
  await page.keyboard.press('Enter')
  await page.waitForFunction(() => /copied|selected/.test(document.querySelector('#said').textContent))
  day.copied = {
    said: await page.$eval('#said', (p) => p.textContent), text: await page.evaluate(() => navigator.clipboard.readText()),
    shown: await page.$eval('#snippet-markdown', (t) => t.value),
  }

  const missing = await page.$$eval('[data-missing]', (all) => all.length)
  await page.focus('#make')
  await page.keyboard.press('Enter')
  await page.waitForFunction(() => / made/.test(document.querySelector('#said').textContent), { timeout: 240_000 })
  day.made = { before: missing, after: await page.$$eval('[data-missing]', (all) => all.length), said: await page.$eval('#said', (p) => p.textContent), inside: await page.$eval('[aria-labelledby=inside]', (s) => s.textContent) }
  await page.screenshot({ path: join(screenshots, 'sheet-made.png') })

  await page.evaluate(() => document.activeElement.blur())
  await Promise.all([page.waitForNavigation(), page.keyboard.press('Escape')])
  day.home = await page.evaluate(() => location.search + location.hash)

  // Single keys can be turned off.
  await page.evaluate(() => { document.querySelector('.keys').open = true; document.querySelector('#keys-on').click() })
  await page.keyboard.press('j')
  day.off = await page.evaluate(() => document.activeElement.classList.contains('open'))
  await context.close()
}

// The placeholder that the page paints, against that of the ThumbHash's own package: the same colours within what 20 pixels' width leaves.
async function placeholders() {
  const context = await browser.createBrowserContext()
  const page = await open(context, url + '/')
  const painted = await page.$$eval('[data-thumbhash]', (all) => Promise.all(all.map(async (shot) => {
    const img = new Image()
    img.src = shot.style.backgroundImage.slice(5, -2)
    await img.decode()
    const canvas = Object.assign(document.createElement('canvas'), { width: 4, height: 4 })
    const context = canvas.getContext('2d')
    context.imageSmoothingEnabled = false
    context.drawImage(img, 0, 0, 4, 4)
    return { hash: shot.dataset.thumbhash, pixels: [...context.getImageData(0, 0, 4, 4).data] }
  })))
  result.day.painted = painted.length
  result.day.off_colour = 0
  for (const { hash, pixels } of painted) {
    const { w, h, rgba } = thumbHashToRGBA(Uint8Array.from(Buffer.from(hash, 'base64')))
    for (let y = 0; y < 4; y++) {
      for (let x = 0; x < 4; x++) {
        const at = (Math.floor((y + 0.5) * h / 4) * w + Math.floor((x + 0.5) * w / 4)) * 4
        for (let c = 0; c < 3; c++) result.day.off_colour = Math.max(result.day.off_colour, Math.abs(rgba[at + c] - pixels[(y * 4 + x) * 4 + c]))
      }
    }
  }
  await context.close()
}

// The same without a script: the form, the filters, the snippets as text.
async function plain() {
  const context = await browser.createBrowserContext()
  const page = await open(context, url + '/', { script: false })
  const titles = () => page.$$eval('.open', (all) => all.map((a) => a.textContent))
  await page.type('[name=q]', 'clocks go')
  await Promise.all([page.waitForNavigation(), page.click('.find button')])
  result.day.plain = { titles: await titles() }
  await Promise.all([page.waitForNavigation(), page.click('.filters a[data-filter=complete]')])
  result.day.plain.filtered = new URL(page.url()).search
  await Promise.all([page.waitForNavigation(), page.click('.open')])
  result.day.plain.snippet = await page.$eval('#snippet-jekyll', (t) => t.value)
  result.day.plain.buttons = await page.$$eval('main button', (all) => all.filter((b) => b.checkVisibility()).length)
  await context.close()
}

await work()
await placeholders()
await plain()
await inspect()
await browser.close()
console.log(JSON.stringify(result))
