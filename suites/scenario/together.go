package scenario

import "sync"

// together runs parts of a conversation at once. All come to their end; the
// error is the first one's that has one.
func together(parts ...func() error) error {
	var (
		all  sync.WaitGroup
		errs = make([]error, len(parts))
	)
	for i, part := range parts {
		all.Go(func() { errs[i] = part() })
	}
	all.Wait()
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}
