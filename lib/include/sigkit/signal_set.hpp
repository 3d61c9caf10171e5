#pragma once

#include <csignal>

#include <bit>
#include <cstdint>
#include <initializer_list>
#include <iterator>
#include <optional>
#include <string>
#include <string_view>

#include <sigkit/export.hpp>
#include <sigkit/signal_id.hpp>

namespace sigkit {

/// A set of the signals 1..64, as a value: bit n-1 of mask() is signal n, as in /proc/PID/status.
///
/// Unlike sigset_t it can hold 32 and 33, the C library's own. 0 and numbers out of range are
/// never members: insert() and erase() pass over them.
/// Thread-safe as any value; async-signal-safe but for what returns or takes a string.
class signal_set {
public:
  constexpr signal_set() noexcept = default;
  constexpr signal_set(std::initializer_list<signal_id> members) noexcept {
    for (const signal_id member : members)
      insert(member);
  }

  /// From and to a mask as /proc has it, and the C library's sigset_t, which leaves 32 and 33 out.
  static constexpr signal_set from_mask(std::uint64_t mask) noexcept {
    signal_set result;
    result.mask_ = mask;
    return result;
  }
  SIGKIT_API static signal_set from_sigset(const sigset_t& set) noexcept;

  /// Every signal, 1..64.
  static constexpr signal_set all() noexcept { return from_mask(~std::uint64_t{0}); }

  /// Every signal whose disposition can be changed: `all` of the command line.
  SIGKIT_API static signal_set changeable() noexcept;

  [[nodiscard]] constexpr std::uint64_t mask() const noexcept { return mask_; }
  [[nodiscard]] SIGKIT_API sigset_t to_sigset() const noexcept;

  [[nodiscard]] constexpr bool contains(signal_id signal) const noexcept {
    return (mask_ & bit(signal)) != 0;
  }
  constexpr void insert(signal_id signal) noexcept { mask_ |= bit(signal); }
  constexpr void erase(signal_id signal) noexcept { mask_ &= ~bit(signal); }

  [[nodiscard]] constexpr bool empty() const noexcept { return mask_ == 0; }
  [[nodiscard]] constexpr int size() const noexcept { return std::popcount(mask_); }

  /// What is in one of both, in both, in the first alone.
  friend constexpr signal_set operator|(signal_set a, signal_set b) noexcept {
    return from_mask(a.mask_ | b.mask_);
  }
  friend constexpr signal_set operator&(signal_set a, signal_set b) noexcept {
    return from_mask(a.mask_ & b.mask_);
  }
  friend constexpr signal_set operator-(signal_set a, signal_set b) noexcept {
    return from_mask(a.mask_ & ~b.mask_);
  }
  bool operator==(const signal_set&) const = default;

  /// Goes through the members in the order of their numbers.
  class iterator {
  public:
    using value_type = signal_id;
    using difference_type = std::ptrdiff_t;

    constexpr iterator() noexcept = default;
    constexpr explicit iterator(std::uint64_t left) noexcept : left_(left) {}
    constexpr signal_id operator*() const noexcept {
      return signal_id(std::countr_zero(left_) + 1);
    }
    constexpr iterator& operator++() noexcept {
      left_ &= left_ - 1;
      return *this;
    }
    constexpr iterator operator++(int) noexcept {
      iterator old = *this;
      ++*this;
      return old;
    }
    bool operator==(const iterator&) const = default;

  private:
    std::uint64_t left_ = 0;
  };
  [[nodiscard]] constexpr iterator begin() const noexcept { return iterator(mask_); }
  [[nodiscard]] static constexpr iterator end() noexcept { return {}; }

private:
  static constexpr std::uint64_t bit(signal_id signal) noexcept {
    const int number = signal.number();
    return number < 1 || number > 64 ? 0 : std::uint64_t{1} << (number - 1);
  }

  std::uint64_t mask_ = 0;
};

/// SIGS of the command line: a comma list of SIG, or `all` for signal_set::changeable().
/// 0 and signals that cannot be changed are refused. Nothing where the text is no such list;
/// `why`, where given, then says what is wrong with which word.
/// Thread-safe: yes. Async-signal-safe: no.
SIGKIT_API std::optional<signal_set> parse_signal_set(std::string_view text,
                                                      std::string* why = nullptr);

/// The names, joined by commas: "INT,TERM". Thread-safe: yes. Async-signal-safe: no.
SIGKIT_API std::string to_string(signal_set set);

} // namespace sigkit
