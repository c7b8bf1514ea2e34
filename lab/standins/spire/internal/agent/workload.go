package agent

import (
	"context"
	"crypto/x509"
	"log"

	"github.com/spiffe/go-spiffe/v2/proto/spiffe/workload"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"lab.invalid/standins/spire/internal/pki"
)

// workloadAPI is the SPIFFE Workload API, as far as X.509 goes; JWTs answer Unimplemented.
type workloadAPI struct {
	workload.UnimplementedSpiffeWorkloadAPIServer
	cache        *cache
	discoverPath bool
}

var errNoIdentity = status.Error(codes.PermissionDenied, "no identity issued")

// FetchX509SVID sends the caller's identities, and again at each change.
func (w *workloadAPI) FetchX509SVID(_ *workload.X509SVIDRequest, stream workload.SpiffeWorkloadAPI_FetchX509SVIDServer) error {
	return w.watch(stream.Context(), func(found []svid, _ []*x509.Certificate) error {
		response := &workload.X509SVIDResponse{}
		for _, one := range found {
			key, err := x509.MarshalPKCS8PrivateKey(one.key)
			if err != nil {
				return status.Error(codes.Internal, err.Error())
			}
			response.Svids = append(response.Svids, &workload.X509SVID{
				SpiffeId:    one.entry.SPIFFEID.String(),
				X509Svid:    pki.DER(one.chain),
				X509SvidKey: key,
				Bundle:      pki.DER(one.bundle),
				Hint:        one.entry.Hint,
			})
		}
		return stream.Send(response)
	})
}

// FetchX509Bundles sends the trust domain's roots, and again at each change.
func (w *workloadAPI) FetchX509Bundles(_ *workload.X509BundlesRequest, stream workload.SpiffeWorkloadAPI_FetchX509BundlesServer) error {
	return w.watch(stream.Context(), func(found []svid, bundle []*x509.Certificate) error {
		domain := "spiffe://" + found[0].entry.SPIFFEID.TrustDomain
		return stream.Send(&workload.X509BundlesResponse{Bundles: map[string][]byte{domain: pki.DER(bundle)}})
	})
}

func (w *workloadAPI) watch(ctx context.Context, send func([]svid, []*x509.Certificate) error) error {
	if err := demandHeader(ctx); err != nil {
		return err
	}
	has, err := caller(ctx, w.discoverPath)
	if err != nil {
		log.Printf("Workload attestation failed: %v", err)
		return status.Error(codes.Unavailable, "workload attestation failed")
	}
	for {
		found, bundle, synced, changed := w.cache.matching(has)
		switch {
		case !synced:
			return status.Error(codes.Unavailable, "agent is not attested yet")
		case len(found) == 0:
			log.Printf("No identity issued for a process with %v", has)
			return errNoIdentity
		}
		if err := send(found, bundle); err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return nil
		case <-changed:
		}
	}
}

// demandHeader keeps out what could be made to send a request by accident, as the specification says.
func demandHeader(ctx context.Context) error {
	headers, _ := metadata.FromIncomingContext(ctx)
	if values := headers.Get("workload.spiffe.io"); len(values) != 1 || values[0] != "true" {
		return status.Error(codes.InvalidArgument, "security header missing from request")
	}
	return nil
}
