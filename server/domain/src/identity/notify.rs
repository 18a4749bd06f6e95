//! What people are told by mail: new device, factor, password, break-glass use.
