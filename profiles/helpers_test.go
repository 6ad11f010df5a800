package profiles

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"strings"
	"sync"
)

// environment has a value for everything that the template names.
func environment(name string) string {
	if strings.HasSuffix(name, "_KEY") {
		return testKey
	}
	if name == "DEVICEGRANT_TOTP" {
		return "JBSWY3DPEHPK3PXP"
	}
	return "value of " + name
}

func files(name string) ([]byte, error) {
	if strings.HasSuffix(name, "ca.pem") {
		return []byte(testCA), nil
	}
	switch certificate, key := gate(); {
	case strings.HasSuffix(name, "gate.pem"):
		return certificate, nil
	case strings.HasSuffix(name, "gate.key"):
		return key, nil
	}
	if strings.HasSuffix(name, ".key") {
		return []byte(testKey), nil
	}
	return []byte("content of " + name + "\n"), nil
}

// gate is a certificate with its key, in PEM.
var gate = sync.OnceValues(func() (certificate, key []byte) {
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	if err != nil {
		panic(err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		panic(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8})
})

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

// testKey is a private key that opens nothing.
const testKey = `{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo","d":"nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A"}`

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
