// Validates HTML pages for cmd/cutline/integration_html_test.go: takes a file with [{name, html}], prints for each what
// html-validate finds, as [{rule, message}].
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'

const { HtmlValidate, StaticConfigLoader } = createRequire(process.env.CUTLINE_WORK + '/')('html-validate')

const validator = new HtmlValidate(new StaticConfigLoader({
  extends: ['html-validate:recommended', 'html-validate:document', 'html-validate:a11y'],
  rules: { 'no-inline-style': 'off' }, // a matter of taste, not of HTML: the placeholder is there with the first byte
}))

const found = []
for (const page of JSON.parse(readFileSync(process.argv[2]))) {
  const report = await validator.validateString(page.html)
  found.push(report.results.flatMap((r) => r.messages.map((m) => ({ rule: m.ruleId, message: `line ${m.line}: ${m.message}` }))))
}
console.log(JSON.stringify(found))
