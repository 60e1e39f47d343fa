package main

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/dd8bf596/cutline/internal/catalog"
)

func TestReadmeListsTheCodes(t *testing.T) {
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	text := strings.ReplaceAll(string(readme), "`", "")
	for _, c := range catalog.Codes() {
		if row := fmt.Sprintf("\n| %s | %s | %s |\n", c.Name, c.Severity, c.Meaning); !strings.Contains(text, row) {
			t.Errorf("README.md lacks the row %s", strings.TrimSpace(row))
		}
	}
}
