//! How much memory is free.

use candle_core::Device;

/// Bytes that can still be allocated on `device`; `None` where nobody can say.
///
/// Of the CPU, and of Apple's GPUs, which share its memory, it is what the system calls available, within the limit of a
/// container.
pub fn free_bytes(device: &Device) -> Option<u64> {
    match device {
        #[cfg(feature = "cuda")]
        Device::Cuda(cuda) => cuda.cuda_stream().context().mem_get_info().ok().map(|(free, _)| free as u64),
        _ => host(),
    }
}

fn host() -> Option<u64> {
    let mut system = sysinfo::System::new().ok()?;
    system.refresh_memory();
    let available = system.available_memory();
    let left = system.cgroup_limits().map(|limits| limits.total_memory.saturating_sub(limits.rss));
    Some(left.map_or(available, |left| left.min(available))).filter(|bytes| *bytes > 0)
}
