package main

import (
	"log/slog"

	"github.com/coreos/go-systemd/v22/daemon"
)

// A manager is the service manager that started this program, if one did that wants to be told (NOTIFY_SOCKET, sd_notify(3)). Without one
// its methods do nothing.
type manager struct{ log *slog.Logger }

// ready tells that the server listens, or has read its posts again.
func (m manager) ready() { m.tell(daemon.SdNotifyReady) }

// reloading tells that posts are read again. The time is what systemd's Type=notify-reload takes the message by.
func (m manager) reloading() {
	m.tell(daemon.SdNotifyReloading + "\n" + daemon.SdNotifyMonotonicUsec())
}

// stopping tells that the server ends.
func (m manager) stopping() { m.tell(daemon.SdNotifyStopping) }

// tell sends one message. A manager that does not hear it ends a server that serves, so whoever looks for the reason finds it logged.
func (m manager) tell(state string) {
	if _, err := daemon.SdNotify(false, state); err != nil {
		m.log.Warn("the service manager could not be told", "state", state, "err", err)
	}
}
