package imagetest

// Cuts are the beginnings of a file, of n lengths that lie as far from each other as can be, none of them empty or whole.
func Cuts(body []byte, n int) (cuts [][]byte) {
	for i := 1; i <= n; i++ {
		cuts = append(cuts, body[:len(body)*i/(n+1)])
	}
	return cuts
}
