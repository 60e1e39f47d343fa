package report

import (
	"cmp"
	"io"
	"net/url"
	"strings"

	"github.com/dd8bf596/cutline/internal/catalog"
)

// The parts of a SARIF log that are written (SARIF 2.1.0 plus errata 01, OASIS,
// https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/sarif-v2.1.0-errata01-os-complete.html). Sections stand beside them.
type (
	sarifLog struct { // §3.13
		Schema  string     `json:"$schema"`
		Version string     `json:"version"`
		Runs    []sarifRun `json:"runs"`
	}
	sarifRun struct { // §3.14
		Tool       sarifTool                `json:"tool"`
		Bases      map[string]sarifArtifact `json:"originalUriBaseIds"`
		ColumnKind string                   `json:"columnKind"`
		Results    []sarifResult            `json:"results"`
	}
	sarifTool struct { // §3.18
		Driver sarifDriver `json:"driver"`
	}
	sarifDriver struct { // §3.19
		Name           string      `json:"name"`
		Version        string      `json:"version,omitempty"`
		InformationURI string      `json:"informationUri"`
		Rules          []sarifRule `json:"rules"`
	}
	sarifRule struct { // §3.49
		ID               string      `json:"id"`
		ShortDescription sarifText   `json:"shortDescription"`
		Help             sarifText   `json:"help"`
		HelpURI          string      `json:"helpUri"`
		Default          sarifConfig `json:"defaultConfiguration"`
	}
	sarifConfig struct { // §3.50
		Level string `json:"level"`
	}
	sarifText struct { // §3.11, §3.12
		Text string `json:"text"`
	}
	sarifResult struct { // §3.27
		RuleID       string            `json:"ruleId"`
		RuleIndex    int               `json:"ruleIndex"`
		Level        string            `json:"level"`
		Message      sarifText         `json:"message"`
		Locations    []sarifLocation   `json:"locations"`
		Fingerprints map[string]string `json:"partialFingerprints"`
	}
	sarifLocation struct { // §3.28
		Physical sarifPhysical `json:"physicalLocation"`
	}
	sarifPhysical struct { // §3.29
		Artifact sarifArtifact `json:"artifactLocation"`
		Region   sarifRegion   `json:"region"`
	}
	sarifArtifact struct { // §3.4
		URI         string     `json:"uri,omitempty"`
		BaseID      string     `json:"uriBaseId,omitempty"`
		Description *sarifText `json:"description,omitempty"`
	}
	sarifRegion struct { // §3.30
		StartLine int `json:"startLine"`
	}
)

const (
	// sourceRoot is what relative URIs are relative to: the repository's root, wherever whoever reads the log has it.
	sourceRoot = "%SRCROOT%"
	// fingerprintName names our Fingerprint, with the version of how it is made (§3.27.17).
	fingerprintName = "cutline/v1"
	homepage        = "https://github.com/dd8bf596/cutline"
)

// WriteSARIF writes the findings as a SARIF 2.1.0 log, for GitHub's code scanning and its like: all rules with what to do about
// them, relative URIs, and fingerprints by which a finding is followed from one run to the next.
func (r *Run) WriteSARIF(w io.Writer) error {
	codes := catalog.Codes()
	index := make(map[string]int, len(codes))
	rules := make([]sarifRule, len(codes))
	for i, c := range codes {
		index[c.Name] = i
		rules[i] = sarifRule{
			ID:               c.Name,
			ShortDescription: said(sentence(c.Meaning)),
			Help:             said(c.Remedy),
			HelpURI:          homepage + "#lint",
			Default:          sarifConfig{string(c.Severity)},
		}
	}
	results := make([]sarifResult, len(r.Problems))
	for i, p := range r.Problems {
		results[i] = sarifResult{
			RuleID: p.Code, RuleIndex: index[p.Code], Level: string(p.Severity), Message: said(p.Message),
			Locations: []sarifLocation{{sarifPhysical{
				Artifact: sarifArtifact{URI: (&url.URL{Path: r.file(p)}).String(), BaseID: sourceRoot},
				Region:   sarifRegion{cmp.Or(p.Line, 1)}, // lines begin with 1 (§3.30.5), and scanners show nothing without one
			}}},
			Fingerprints: map[string]string{fingerprintName: Fingerprint(p)},
		}
	}
	return encode(w, sarifLog{
		Schema:  "https://json.schemastore.org/sarif-2.1.0.json",
		Version: "2.1.0",
		Runs: []sarifRun{{
			Tool:       sarifTool{sarifDriver{Name: "cutline", Version: r.Version, InformationURI: homepage, Rules: rules}},
			Bases:      map[string]sarifArtifact{sourceRoot: {Description: &sarifText{"The root of the repository."}}},
			ColumnKind: "utf16CodeUnits",
			Results:    results,
		}},
	})
}

// said is text without placeholders: braces of its own are doubled (§3.11.5).
func said(text string) sarifText {
	return sarifText{strings.NewReplacer("{", "{{", "}", "}}").Replace(text)}
}

// sentence makes one of a code's meaning.
func sentence(meaning string) string {
	meaning = strings.TrimPrefix(meaning, "--online: ")
	return strings.ToUpper(meaning[:1]) + meaning[1:] + "."
}
