package ipvs

import (
	"encoding/binary"

	"github.com/mdlayher/netlink"
)

// encode says the step in the kernel's words: a command and its attributes.
func (o Op) encode() (command uint8, attributes []byte, err error) {
	ae := netlink.NewAttributeEncoder()
	switch o.Verb {
	case AddService:
		command = cmdNewService
		encodeService(ae, o.Service)
	case EditService:
		command = cmdSetService
		encodeService(ae, o.Service)
	case DeleteService:
		command = cmdDelService
		encodeKey(ae, o.Service.Key)
	case AddDestination:
		command = cmdNewDest
	case EditDestination:
		command = cmdSetDest
	case DeleteDestination:
		command = cmdDelDest
	case SetTimeouts:
		command = cmdSetConfig
		encodeTimeouts(ae, o.Timeouts)
	case StartDaemon:
		command = cmdNewDaemon
		encodeDaemon(ae, o.Daemon)
	case StopDaemon:
		command = cmdDelDaemon
		encodeDaemon(ae, o.Daemon)
	default:
		panic("ipvs: unknown verb")
	}
	if o.onDestination() {
		encodeKey(ae, o.Service.Key)
		encodeDestination(ae, o.Verb, o.Destination)
	}
	attributes, err = ae.Encode()
	return command, attributes, err
}

// onDestination tells whether the step is about one server of a service.
func (o Op) onDestination() bool {
	return o.Verb == AddDestination || o.Verb == EditDestination || o.Verb == DeleteDestination
}

// encodeService writes all that there is to say of a service, its destinations aside.
func encodeService(ae *netlink.AttributeEncoder, s Service) {
	s = s.alone().Canonical()
	flags := uint32(s.Flags)
	if s.Persistent > 0 {
		flags |= flagPersistent
	}
	ae.Nested(attrService, func(ae *netlink.AttributeEncoder) error {
		encodeName(ae, s.Key)
		ae.String(svcScheduler, s.Scheduler)
		if s.PE != "" {
			ae.String(svcPE, s.PE)
		}
		all := ^uint32(0) // which of the flags count
		ae.Bytes(svcFlags, binary.NativeEndian.AppendUint32(binary.NativeEndian.AppendUint32(nil, flags), all))
		ae.Uint32(svcTimeout, uint32(seconds(s.Persistent)))
		ae.Uint32(svcNetmask, maskValue(s.Family, s.PersistMask))
		return nil
	})
}

// encodeTimeouts writes the timeouts; one that is zero stays as it is.
func encodeTimeouts(ae *netlink.AttributeEncoder, t Timeouts) {
	ae.Uint32(attrTimeoutTCP, uint32(seconds(t.TCP)))
	ae.Uint32(attrTimeoutTCPFin, uint32(seconds(t.TCPFin)))
	ae.Uint32(attrTimeoutUDP, uint32(seconds(t.UDP)))
}
