// Draws placeholders by the formats' own npm packages, for cmd/cutline/integration_hashes_test.go: takes a file with
// [{thumbhash, blurhash, small: {width, height, rgba}}], prints for each both pictures as {width, height, rgba}, those of the
// hashes that the packages make of the small picture, and ThumbHash's idea of the shape.
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { pathToFileURL } from 'node:url'

const require = createRequire(process.env.CUTLINE_WORK + '/')
const { rgbaToThumbHash, thumbHashToRGBA, thumbHashToApproximateAspectRatio } = await import(pathToFileURL(require.resolve('thumbhash')))
const { encode, decode, isBlurhashValid } = require('blurhash')

const picture = (width, height, rgba) => ({ width, height, rgba: Buffer.from(rgba).toString('base64') })

const drawThumb = (hash) => {
  const { w, h, rgba } = thumbHashToRGBA(hash)
  return picture(w, h, rgba)
}

const drawBlur = (hash) => {
  const { result, errorReason } = isBlurhashValid(hash)
  if (!result) throw new Error(hash + ': ' + errorReason)
  return picture(32, 32, decode(hash, 32, 32))
}

const drawn = JSON.parse(readFileSync(process.argv[2])).map(({ thumbhash, blurhash, small: { width, height, rgba } }) => {
  const ours = Buffer.from(thumbhash, 'base64')
  const pixels = Buffer.from(rgba, 'base64')
  return {
    aspect: thumbHashToApproximateAspectRatio(ours),
    thumb: drawThumb(ours),
    blur: drawBlur(blurhash),
    theirThumb: drawThumb(rgbaToThumbHash(width, height, pixels)),
    theirBlur: drawBlur(encode(new Uint8ClampedArray(pixels), width, height, 4, 3)),
  }
})
console.log(JSON.stringify(drawn))
