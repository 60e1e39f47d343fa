// One run of sharp for internal/transform/goengine/integration_sharp_test.go: reads a list of jobs from the file that is named,
// prints for each the median time in milliseconds, the bytes of its outputs, and the peak memory of the process in KiB.
//
//   [{src, runs, parallel, outputs: [{width, format, options, file, sharpen}]}]
import { readFileSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'

const sharp = createRequire(process.env.CUTLINE_WORK + '/')('sharp')
sharp.concurrency(1) // threads per picture
sharp.cache(false)

const render = (src, o) => {
  const pipeline = sharp(src).resize({ width: o.width, withoutEnlargement: true })
  return (o.sharpen ? pipeline.sharpen() : pipeline).toFormat(o.format, o.options ?? {}).toBuffer()
}

async function run(src, job) {
  if (job.parallel) return Promise.all(job.outputs.map((o) => render(src, o)))
  const bodies = []
  for (const o of job.outputs) bodies.push(await render(src, o))
  return bodies
}

const results = []
for (const job of JSON.parse(readFileSync(process.argv[2])) ?? []) {
  const src = readFileSync(job.src)
  const times = []
  let bodies
  for (let i = 0; i < job.runs; i++) {
    const start = performance.now()
    bodies = await run(src, job)
    times.push(performance.now() - start)
  }
  times.sort((a, b) => a - b)
  job.outputs.forEach((o, i) => o.file && writeFileSync(o.file, bodies[i]))
  results.push({ ms: times[times.length >> 1], bytes: bodies.reduce((n, b) => n + b.length, 0), kib: process.resourceUsage().maxRSS })
}
console.log(JSON.stringify({ version: sharp.versions.sharp + ', libvips ' + sharp.versions.vips, results }))
