package catalog

import "strings"

// sourceTypeScheme is the identifier of IPTC's vocabulary of digital source types. Its concepts are identified over http;
// the same addresses are served, and often pasted, over https.
const sourceTypeScheme = "http://cv.iptc.org/newscodes/digitalsourcetype/"

// sourceTypes are the concepts of that vocabulary, release of 2024-10-23, in its order: all of its top concepts in
// https://cv.iptc.org/newscodes/digitalsourcetype?format=json&lang=x-all (© IPTC, CC BY 4.0). Retired ones are read too,
// because posts and files that have them are older than their retirement.
var sourceTypes = []string{
	"digitalCapture",
	"computationalCapture",
	"negativeFilm",
	"positiveFilm",
	"print",
	"minorHumanEdits", // retired for humanEdits
	"humanEdits",
	"algorithmicallyEnhanced",
	"softwareImage", // retired for more exact ones
	"digitalArt",    // retired for digitalCreation
	"digitalCreation",
	"dataDrivenMedia",
	"trainedAlgorithmicMedia",
	"algorithmicMedia",
	"screenCapture",
	"virtualRecording",
	"composite",
	"compositeCapture",
	"compositeSynthetic",
	"compositeWithTrainedAlgorithmicMedia",
}

// sourceType returns the identifier of the digital source type that text names; ok is false where it names none:
//
//	http://cv.iptc.org/newscodes/digitalsourcetype/digitalCapture  itself
//	https://cv.iptc.org/newscodes/digitalsourcetype/print/         over https, with a slash
//	digsrctype:humanEdits                                          as NewsML-G2 abbreviates it
//	trainedAlgorithmicMedia                                        its last part
//	Digital capture, screen-capture                                in the spellings that keys may have
func sourceType(text string) (uri string, ok bool) {
	if len(text) > len(sourceTypeScheme)+2*maxKey {
		return "", false
	}
	name := strings.ToLower(text)
	if scheme, rest, isURI := strings.Cut(name, "://"); isURI {
		rest, isURI = strings.CutPrefix(rest, strings.TrimPrefix(sourceTypeScheme, "http://"))
		if !isURI || scheme != "http" && scheme != "https" {
			return "", false
		}
		name = strings.TrimSuffix(rest, "/")
	} else {
		name = normal(strings.TrimPrefix(name, "digsrctype:"))
	}
	for _, t := range sourceTypes {
		if strings.ToLower(t) == name {
			return sourceTypeScheme + t, true
		}
	}
	return "", false
}

// wantSourceType says what a digital source type looks like.
const wantSourceType = "a name of https://cv.iptc.org/newscodes/digitalsourcetype/ such as digitalCapture, compositeSynthetic or trainedAlgorithmicMedia"
