package frontmatter

func (p *parser) plainYAML(text []byte) (*Node, bool) { return nil, false }
