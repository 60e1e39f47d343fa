// What eleventy-img makes of the files of a manifest, for cmd/cutline/integration_plugins_test.go: takes a file with [{alt, formats}], prints
// as many pieces of HTML.
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'

const require = createRequire(process.env.CUTLINE_WORK + '/generators/')
const Image = require('@11ty/eleventy-img')

const pictures = JSON.parse(readFileSync(process.argv[2]))
const sizes = '(min-width: 960px) 960px, 100vw'
console.log(JSON.stringify(pictures.map(({ alt, formats }) => Image.generateHTML(formats, { alt, sizes, loading: 'lazy', decoding: 'async' }))))
