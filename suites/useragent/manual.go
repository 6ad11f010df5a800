package useragent

func newManual(Options) Driver { return nil }
