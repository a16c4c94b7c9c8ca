package server

// countError counts an error reply.
func (s *Server) countError(text string) {
	s.totals.errors.Add(1)
	s.admin.errors.add(text)
}
