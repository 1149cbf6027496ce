//! Names that the X server numbers.

x11rb::atom_manager! {
    /// XDND's names, and those of the data that is dragged.
    pub Atoms: AtomsCookie {
        XdndAware,
        XdndProxy,
        XdndEnter,
        XdndPosition,
        XdndStatus,
        XdndLeave,
        XdndDrop,
        XdndFinished,
        XdndSelection,
        XdndTypeList,
        XdndActionCopy,
        WM_STATE,
        INCR,
        TARGETS,
        UTF8_STRING,
        UriList: b"text/uri-list",
        Utf8Text: b"text/plain;charset=utf-8",
        PlainText: b"text/plain",
        _MELFUSION_NUDGE,
        _MELFUSION_DROP,
    }
}
