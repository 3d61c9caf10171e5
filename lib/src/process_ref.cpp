#include <sigkit/process_ref.hpp>

#include <sys/stat.h>
#include <sys/vfs.h>

#include <cerrno>
#include <string>
#include <utility>

#include "proc.hpp"
#include "system.hpp"

namespace sigkit {

namespace {

constexpr long pidfs_magic = 0x50494446; // not in the headers of older systems

/// 0 where the kernel gives pidfds no inodes of their own.
std::uint64_t inode_or_none(const pidfd& held) noexcept {
  struct statfs system {};
  struct stat what {};
  const bool has_own = ::fstatfs(held.descriptor(), &system) == 0 && system.f_type == pidfs_magic &&
                       ::fstat(held.descriptor(), &what) == 0;
  return has_own ? what.st_ino : 0;
}

/// Of the process that is held, and of no other: it was there before and after the file was read.
std::uint64_t start_time_of(const pidfd& held) {
  if (!proc_is_usable()) return 0;
  const auto facts = read_process(held.pid());
  const bool is_there = sys::pidfd_send_signal(held.descriptor(), signull) != ESRCH;
  return facts && is_there ? facts->start_time : 0;
}

bool is_same(const pidfd& opened, const process_identity& identity) {
  if (identity.inode != 0 && inode_or_none(opened) != identity.inode) return false;
  return identity.start_time == 0 || start_time_of(opened) == identity.start_time;
}

} // namespace

std::uint64_t detail::pidfd_inode(failure& why, const pidfd& held) noexcept {
  return at_border(why, [&] {
    const std::uint64_t inode = inode_or_none(held);
    if (inode == 0) fail(ENOSYS, "the inode of a pidfd (Linux 6.9)");
    return inode;
  });
}

std::optional<pidfd> detail::open_identity(failure& why,
                                           const process_identity& identity) noexcept {
  return at_border(why, [&]() -> std::optional<pidfd> {
    if (identity.inode == 0 && identity.start_time == 0)
      fail(EINVAL, "process " + std::to_string(identity.pid) + " without what identifies it");
    unique_fd descriptor;
    const int failed = sys::pidfd_open(identity.pid, descriptor);
    // The number is that of a thread by now, which leads no process.
    if (sys::is_of_no_process(failed)) return std::nullopt;
    if (failed != 0)
      fail(failed, sys::pidfd_open_named(failed) + " of process " + std::to_string(identity.pid));
    std::optional<pidfd> opened(std::in_place, identity.pid, std::move(descriptor));
    if (identity.inode != 0 && inode_or_none(*opened) == 0)
      fail(ENOSYS, "the inode of a pidfd (Linux 6.9)");
    if (!is_same(*opened, identity)) return std::nullopt;
    return opened;
  });
}

process_identity detail::identify(failure& why, const pidfd& held) noexcept {
  return at_border(why, [&] {
    return process_identity{held.pid(), start_time_of(held), inode_or_none(held)};
  });
}

} // namespace sigkit
