// The structures of Job Control, field by field as the published node set has them. gopcua decodes a Go structure by
// its fields, but knows no optional ones: those begin with a mask (OPC 10000-6, 5.2.7).
package main

import (
	"time"

	"github.com/gopcua/opcua/ua"
)

const (
	jobOrderEncoding         = 5014
	stateEncoding            = 5029
	jobOrderAndStateEncoding = 5032
)

type state struct {
	BrowsePath  *ua.RelativePath
	StateText   *ua.LocalizedText
	StateNumber uint32
}

type named struct {
	ID string
}

type parameter struct {
	ID            string
	Value         any
	Subparameters []parameter
}

type jobOrder struct {
	JobOrderID            string
	Description           []*ua.LocalizedText
	WorkMasterID          []named
	StartTime             time.Time
	EndTime               time.Time
	Priority              int16
	JobOrderParameters    []parameter
	EquipmentRequirements []named
}

type jobOrderAndState struct {
	JobOrder jobOrder
	State    []state
}

type event struct {
	Job   string
	State []*state
}

func register(namespace uint16) {
	ua.RegisterExtensionObject(ua.NewNumericNodeID(namespace, jobOrderAndStateEncoding), new(jobOrderAndState))
	ua.RegisterExtensionObject(ua.NewNumericNodeID(namespace, jobOrderEncoding), new(jobOrder))
	ua.RegisterExtensionObject(ua.NewNumericNodeID(namespace, stateEncoding), new(state))
}

func object(namespace uint16, encoding uint32, value any) *ua.ExtensionObject {
	return &ua.ExtensionObject{
		EncodingMask: ua.ExtensionObjectBinary,
		TypeID:       ua.NewExpandedNodeID(ua.NewNumericNodeID(namespace, encoding), "", 0),
		Value:        value,
	}
}

func readEvent(fields []*ua.Variant) event {
	told := event{Job: fields[0].Value().(*ua.ExtensionObject).Value.(*jobOrder).JobOrderID}
	for _, each := range fields[1].Value().([]*ua.ExtensionObject) {
		told.State = append(told.State, each.Value.(*state))
	}
	return told
}

// The fields of a structure with optional ones, read in order. A field's bit counts the optional ones only.
type reader struct {
	*ua.Buffer
	mask uint32
	next uint32
}

func begin(buffer *ua.Buffer) *reader {
	return &reader{Buffer: buffer, mask: buffer.ReadUint32(), next: 1}
}

// Whether the next optional field is there.
func (r *reader) has() bool {
	there := r.mask&r.next != 0
	r.next <<= 1
	return there
}

func list[T any](r *reader, one func(*ua.Buffer) T) []T {
	var found []T
	for n := int32(r.ReadUint32()); n > 0 && r.Error() == nil; n-- {
		found = append(found, one(r.Buffer))
	}
	return found
}

func readText(buffer *ua.Buffer) *ua.LocalizedText {
	text := new(ua.LocalizedText)
	buffer.ReadStruct(text)
	return text
}

func readState(buffer *ua.Buffer) state {
	var found state
	buffer.ReadStruct(&found)
	return found
}

// ISA95ParameterDataType, and ISA95PropertyDataType, which has the same fields.
func readParameter(buffer *ua.Buffer) parameter {
	r := begin(buffer)
	value := new(ua.Variant)
	found := parameter{ID: r.ReadString()}
	r.ReadStruct(value)
	found.Value = value.Value()
	if r.has() {
		list(r, readText)
	}
	if r.has() {
		r.ReadStruct(new(ua.EUInformation))
	}
	if r.has() {
		found.Subparameters = list(r, readParameter)
	}
	return found
}

func readWorkMaster(buffer *ua.Buffer) named {
	r := begin(buffer)
	found := named{ID: r.ReadString()}
	if r.has() {
		readText(buffer)
	}
	if r.has() {
		list(r, readParameter)
	}
	return found
}

// ISA95EquipmentDataType; those of personnel and physical assets have the same fields.
func readResource(buffer *ua.Buffer) named {
	r := begin(buffer)
	found := named{ID: r.ReadString()}
	if r.has() {
		list(r, readText)
	}
	if r.has() {
		r.ReadString()
	}
	if r.has() {
		r.ReadString()
	}
	if r.has() {
		r.ReadStruct(new(ua.EUInformation))
	}
	if r.has() {
		list(r, readParameter)
	}
	return found
}

// Decode reads an ISA95JobOrderDataType. Orders with materials are none of this plant's.
func (o *jobOrder) Decode(b []byte) (int, error) {
	r := begin(ua.NewBuffer(b))
	o.JobOrderID = r.ReadString()
	if r.has() {
		o.Description = list(r, readText)
	}
	if r.has() {
		o.WorkMasterID = list(r, readWorkMaster)
	}
	if r.has() {
		o.StartTime = r.ReadTime()
	}
	if r.has() {
		o.EndTime = r.ReadTime()
	}
	if r.has() {
		o.Priority = r.ReadInt16()
	}
	if r.has() {
		o.JobOrderParameters = list(r, readParameter)
	}
	if r.has() {
		list(r, readResource)
	}
	if r.has() {
		o.EquipmentRequirements = list(r, readResource)
	}
	if r.has() {
		list(r, readResource)
	}
	return r.Pos(), r.Error()
}

// Decode reads an ISA95JobOrderAndStateDataType, which has no optional field.
func (e *jobOrderAndState) Decode(b []byte) (int, error) {
	buffer := ua.NewBuffer(b)
	buffer.ReadStruct(&e.JobOrder)
	e.State = list(&reader{Buffer: buffer}, readState)
	return buffer.Pos(), buffer.Error()
}
