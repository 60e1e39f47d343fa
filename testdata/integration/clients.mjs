// What clients from npm make of a picture, for cmd/cutline/integration_clients_test.go: takes a file with
// {host, token, sources: [path or URL], formats}, prints {asked, html}: the addresses that @imgix/js-core, unpic and @unpic/core build for each
// source, each with what its answer should be, as [{client, source, url, width, ratio, type, vary}], and the markup that
// eleventy-img makes of formats. Width is in pixels, ratio width by height; 0 is the picture's own, and type '' any.
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'

const require = createRequire(process.env.CUTLINE_WORK + '/')
const ImgixClient = require('@imgix/js-core')
const { transformUrl } = require('unpic')
const { transformProps, transformSourceProps } = require('@unpic/core')
const Image = require('@11ty/eleventy-img')

const { host, token, sources, formats } = JSON.parse(readFileSync(process.argv[2]))
const asked = []

// add notes an address; entries of a srcset have their width from it: "640w", or "2x" of one.
const add = (client, source, url, want) => asked.push({ client, source, url, width: 0, ratio: 0, type: '', vary: false, ...want })
const addSet = (client, source, srcset, want) => {
  for (const entry of srcset.split(/,\s+/)) {
    const [url, descriptor] = entry.split(' ')
    const n = parseFloat(descriptor)
    add(client, source, url, { ...want, width: descriptor.endsWith('x') ? n * want.width : n })
  }
}

const auto = { type: '', vary: true } // the smallest of what the test says it takes
const jpeg = { type: 'image/jpeg' } // as the originals

function imgix(source, name, settings, expiry) {
  const client = new ImgixClient({ domain: '127.0.0.1', useHTTPS: false, ...settings })
  client.settings.domain = host // the constructor takes no port
  const url = (params, want) => add(name, source, client.buildURL(source, { ...params, ...expiry }), want)
  url({}, jpeg)
  url({ w: 800 }, { ...jpeg, width: 800 })
  url({ w: 640, fm: 'jpg', q: 60 }, { ...jpeg, width: 640 })
  url({ w: 800, auto: 'format,compress' }, { ...auto, width: 800 })
  url({ w: 400, h: 300, fit: 'crop', crop: 'faces,entropy', auto: 'format' }, { ...auto, width: 400, ratio: 4 / 3 })
  url({ w: 300, h: 300, fit: 'crop', crop: 'focalpoint', 'fp-x': 0.3, 'fp-y': 0.7, fm: 'webp' }, { type: 'image/webp', width: 300, ratio: 1 })
  url({ w: 640, h: 360, fit: 'fill', bg: 'ffffff' }, { ...jpeg, width: 640, ratio: 16 / 9 })
  url({ fm: 'json' }, { type: 'application/json' })
  url({ fm: 'blurhash' }, { type: 'text/plain; charset=utf-8' })
  addSet(name, source, client.buildSrcSet(source, { auto: 'format' }), auto)
  addSet(name, source, client.buildSrcSet(source, { w: 240, auto: 'format' }), { ...auto, width: 240 })
  addSet(name, source, client.buildSrcSet(source, { ar: '16:9', fit: 'crop', fm: 'jpg' }, { minWidth: 300, maxWidth: 900 }), { ...jpeg, ratio: 16 / 9 })
}

function unpic(source) {
  const src = `http://${host}` + (source.startsWith('/') ? source : '/' + encodeURIComponent(source))
  const url = (o, want) => add('unpic', source, String(transformUrl({ url: src, provider: 'imgix', ...o })), want)
  url({ width: 800 }, { ...auto, width: 800 })
  url({ width: 800, height: 450 }, { ...auto, width: 800, ratio: 16 / 9 })
  url({ width: 640, format: 'jpg', quality: 60 }, { ...jpeg, width: 640 })
  const name = '@unpic/core'
  for (const layout of ['constrained', 'fullWidth', 'fixed']) {
    const { src: one, srcset, style } = transformProps({ src, width: 480, height: 270, layout, alt: '', fallback: 'imgix', background: 'auto' })
    add(name, source, one, { ...auto, width: 480, ratio: 16 / 9 })
    addSet(name, source, srcset, { ...auto, ratio: 16 / 9 })
    add(name, source, /^url\((.+)\)$/.exec(style['background-image'])[1], { ...auto, width: 24, ratio: 24 / 14 })
  }
  addSet(name, source, transformSourceProps({ src, width: 480, layout: 'constrained', fallback: 'imgix', type: 'image/webp' }).srcset, { type: 'image/webp' })
}

for (const source of sources) {
  imgix(source, '@imgix/js-core', {}, {})
  imgix(source, '@imgix/js-core, signed', { secureURLToken: token }, { expires: 4102444800 })
  unpic(source)
}
const html = Image.generateHTML(formats, { alt: 'A “rocket” & <smoke>', sizes: '100vw', loading: 'lazy', decoding: 'async' })
console.log(JSON.stringify({ asked, html }))
