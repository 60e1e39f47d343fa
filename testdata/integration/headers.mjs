// Reads the words from the header fields of many answers with Node's own client, for cmd/cutline/integration_headers_test.go:
// takes a file with a list of URLs, prints for each its status, the names of its fields, and the words, decoded by RFC 9651
// §4.2.10 and nothing of cutline's.
import { readFileSync } from 'node:fs'

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

function displayString(value) {
  if (!/^%"(?:[ !#$&-~]|%[0-9a-f]{2})*"$/.test(value)) throw new Error('no Display String: ' + value)
  const bytes = []
  for (let i = 2; i < value.length - 1; i++) {
    bytes.push(value[i] === '%' ? parseInt(value.slice(i + 1, (i += 2) + 1), 16) : value.charCodeAt(i))
  }
  return utf8.decode(Uint8Array.from(bytes))
}

const urls = JSON.parse(readFileSync(process.argv[2]))
const answers = new Array(urls.length)

async function work(from, step) {
  for (let i = from; i < urls.length; i += step) {
    const response = await fetch(urls[i])
    await response.arrayBuffer()
    const words = {}
    for (const name of ['Alt', 'Credit', 'Cutline']) {
      const value = response.headers.get('Image-' + name)
      if (value !== null) words[name] = displayString(value)
    }
    answers[i] = { status: response.status, names: [...response.headers.keys()], words }
  }
}

await Promise.all([0, 1, 2, 3].map((from) => work(from, 4)))
console.log(JSON.stringify(answers))
