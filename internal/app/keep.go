package app

import (
	"context"

	"birgeoqy.kz/almasu/internal/app/keeping"
	"birgeoqy.kz/almasu/internal/app/service"
)

// openStore opens the service for a command that keeps its store.
func (s *session) openStore(ctx context.Context, unmigrated bool) (*keeping.Service, error) {
	v, err := s.open(ctx, service.Parts{Store: true, AnySchema: unmigrated})
	if err != nil {
		return nil, err
	}
	return v.Keeping(), nil
}

// openOther opens the service of another configuration for a command that keeps its store.
func (s *session) openOther(ctx context.Context, config string) (*keeping.Service, error) {
	other := *s
	other.config = config
	return other.openStore(ctx, false)
}
