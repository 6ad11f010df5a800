package useragent

import "errors"

func newHook(Options) (Driver, error) { return nil, errors.New("not yet") }
