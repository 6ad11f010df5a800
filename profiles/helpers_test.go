package profiles

import "strings"

// environment has a value for everything that the template names.
func environment(name string) string {
	if name == "DEVICEGRANT_TOTP" {
		return "JBSWY3DPEHPK3PXP"
	}
	return "value of " + name
}

func files(name string) ([]byte, error) {
	if strings.HasSuffix(name, "ca.pem") {
		return []byte(testCA), nil
	}
	return []byte("content of " + name + "\n"), nil
}

// loadText loads a profile that stands in a test.
func loadText(text string, o Options) (*Profile, error) {
	readFile := o.ReadFile
	if readFile == nil {
		readFile = files
	}
	o.ReadFile = func(name string) ([]byte, error) {
		if name == "test.yaml" {
			return []byte(text), nil
		}
		return readFile(name)
	}
	if o.Getenv == nil {
		o.Getenv = environment
	}
	return Load("test.yaml", o)
}

// testCA is a certificate whose key nobody has.
const testCA = `-----BEGIN CERTIFICATE-----
MIIBiDCCAS2gAwIBAgIUSjT56Jo1HimcUfoYF+sV/rYkd2EwCgYIKoZIzj0EAwIw
GDEWMBQGA1UEAwwNcHJvZmlsZXMgdGVzdDAgFw0yNjExMjMwMzE4NDNaGA8yMTI2
MTAzMDAzMTg0M1owGDEWMBQGA1UEAwwNcHJvZmlsZXMgdGVzdDBZMBMGByqGSM49
AgEGCCqGSM49AwEHA0IABDZw2ljzalL2qLVg0cDCzx198cgjXCRluj4dppFXg3fl
YWG11t4IlvLSWjLxPWnaLLWNE5BHMdzb97xOSy1nGe2jUzBRMB0GA1UdDgQWBBSx
lHzRgCQVfgXozbNmEoWdBgEDZDAfBgNVHSMEGDAWgBSxlHzRgCQVfgXozbNmEoWd
BgEDZDAPBgNVHRMBAf8EBTADAQH/MAoGCCqGSM49BAMCA0kAMEYCIQCJVQFCddpr
JJZbQOqEuszvr9r34DXJAqTw0bZXEnMPQgIhAObI0iC36sAV4diPizXnwMRg8Kzh
TXeSpm+kZw1ayZ5G
-----END CERTIFICATE-----
`
