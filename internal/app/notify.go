package app

import (
	"context"

	"birgeoqy.kz/almasu/internal/app/alarms"
	"birgeoqy.kz/almasu/internal/app/service"
	"birgeoqy.kz/almasu/internal/notify"
)

// openWatching opens the service for the command alarms.
func (s *session) openWatching(ctx context.Context) (*alarms.Watch, *notify.Desk, func(), error) {
	v, err := s.open(ctx, service.Parts{Store: true})
	if err != nil {
		return nil, nil, nil, err
	}
	w, d := v.Watching()
	return w, d, v.Close, nil
}
