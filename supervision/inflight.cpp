// SPDX-License-Identifier: Apache-2.0
#include "supervision/inflight.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstring>
#include <memory>
#include <mutex>
#include <system_error>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <unistd.h>

namespace lyceum::supervision {
namespace {

constexpr std::uint64_t magic = 0x6c79'6365'756d'0002; // "lyceum", layout 2
constexpr std::uint32_t is_free = 0, being_written = 1, whole = 2;

std::int64_t now_ms() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

template <std::size_t N>
void put(std::array<char, N>& to, std::string_view text) noexcept {
  const auto n = std::min(text.size(), N - 1);
  std::memcpy(to.data(), text.data(), n);
  to[n] = '\0';
}

template <std::size_t N>
std::string text_of(const std::array<char, N>& from) {
  return {from.data(), strnlen(from.data(), N)};
}

template <std::size_t N>
std::uint32_t mix(std::uint32_t sum, const std::array<char, N>& text) noexcept { // FNV-1a
  for (std::size_t i = 0; i < N && text[i] != '\0'; ++i)
    sum = (sum ^ static_cast<unsigned char>(text[i])) * 16777619U;
  return (sum ^ 0xFFU) * 16777619U;
}

} // namespace

struct inflight::slot {
  std::atomic<std::uint32_t> state;
  std::atomic<int> signal;
  std::uint32_t check;
  std::int64_t begun_ms;
  std::array<char, 128> key;
  std::array<char, 240> label;
  std::array<char, 64> path;
  std::array<char, 40> request;

  std::uint32_t sum() const noexcept {
    return mix(mix(mix(mix(2166136261U ^ static_cast<std::uint32_t>(begun_ms), key), label), path), request);
  }
};

struct inflight::layout {
  std::uint64_t magic;
  std::atomic<std::int64_t> alive_ms; // steady clock of the owner's last beat
  std::atomic<std::uint32_t> orderly;
  std::array<char, 488> reserved;
  std::array<slot, slots_max> slots;
};

static_assert(std::atomic<std::uint32_t>::is_always_lock_free && std::atomic<std::int64_t>::is_always_lock_free);

namespace {

thread_local inflight::slot* noted = nullptr; // read by the signal handler of this thread

constexpr std::array<int, 5> deadly{SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT};
std::array<struct sigaction, deadly.size()> before{};

void mark_and_die(int signal, siginfo_t* about, void*) {
  // A fault of its own, or its own abort(): what somebody else sent (the heart does) meets a thread by chance.
  const bool own = about->si_code > 0 || (about->si_code == SI_TKILL && about->si_pid == getpid());
  if (noted && own)
    noted->signal.store(signal, std::memory_order_relaxed);
  for (std::size_t i = 0; i < deadly.size(); ++i)
    sigaction(deadly[i], &before[i], nullptr);
  // A fault comes again when this returns, and meets who was there before us. What somebody sent has to be sent again.
  if (about->si_code <= 0)
    raise(signal);
}

void watch_signals() {
  static std::once_flag once;
  std::call_once(once, [] {
    struct sigaction how {};
    how.sa_sigaction = mark_and_die;
    how.sa_flags = SA_SIGINFO | SA_ONSTACK;
    sigemptyset(&how.sa_mask);
    for (std::size_t i = 0; i < deadly.size(); ++i)
      sigaction(deadly[i], &how, &before[i]);
  });
}

/// A thread that has used up its stack needs another one to say so.
class signal_stack {
public:
  signal_stack() {
    stack_t now{};
    if (sigaltstack(nullptr, &now) != 0 || (now.ss_flags & SS_DISABLE) == 0)
      return; // it has one (a sanitizer's)
    memory_ = std::make_unique<char[]>(size);
    stack_t mine{};
    mine.ss_sp = memory_.get();
    mine.ss_size = size;
    if (sigaltstack(&mine, nullptr) != 0)
      memory_.reset();
  }
  ~signal_stack() {
    if (!memory_)
      return;
    stack_t none{};
    none.ss_flags = SS_DISABLE;
    sigaltstack(&none, nullptr);
  }
  signal_stack(const signal_stack&) = delete;
  signal_stack& operator=(const signal_stack&) = delete;

private:
  static constexpr std::size_t size = 32 * 1024;
  std::unique_ptr<char[]> memory_;
};

/// An open file that is locked, or -1.
int open_locked(const std::filesystem::path& file) {
  const int fd = open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) == 0)
    return fd;
  if (fd >= 0)
    close(fd);
  return -1;
}

} // namespace

inflight::inflight(const std::filesystem::path& file) {
  if (file.empty())
    return;
  std::error_code ignored;
  if (file.has_parent_path())
    std::filesystem::create_directories(file.parent_path(), ignored);
  fd_ = open_locked(file);
  if (fd_ < 0) { // another process works with it: it keeps its own, which nobody will find any more
    std::filesystem::remove(file, ignored);
    fd_ = open_locked(file);
  }
  if (fd_ < 0)
    return;
  if (ftruncate(fd_, sizeof(layout)) == 0) {
    void* at = mmap(nullptr, sizeof(layout), PROT_READ | PROT_WRITE, MAP_SHARED, fd_, 0);
    map_ = at == MAP_FAILED ? nullptr : static_cast<layout*>(at);
  }
  // Touching a page of a file that the disk has no room for would be a SIGBUS: have the room now.
  if (map_ && posix_fallocate(fd_, 0, sizeof(layout)) != 0) {
    munmap(map_, sizeof(layout));
    map_ = nullptr;
  }
  if (map_)
    read();
}

inflight::~inflight() {
  leaving();
  if (map_)
    munmap(map_, sizeof(layout));
  if (fd_ >= 0)
    close(fd_);
}

void inflight::read() {
  if (map_->magic != magic)
    return;
  const bool in_order = map_->orderly.load(std::memory_order_relaxed) != 0;
  const auto died_ms = map_->alive_ms.load(std::memory_order_relaxed);
  std::vector<work> guilty;
  std::vector<work> suspected;
  for (const auto& one : map_->slots) {
    if (one.state.load(std::memory_order_relaxed) != whole || one.check != one.sum())
      continue;
    work found{text_of(one.key), text_of(one.label), text_of(one.path), text_of(one.request), one.signal.load()};
    if (found.signal != 0)
      guilty.push_back(std::move(found));
    else if (!in_order && died_ms - one.begun_ms >= innocent_below_ms)
      suspected.push_back(std::move(found));
  }
  left_ = guilty.empty() ? std::move(suspected) : std::move(guilty);
}

void inflight::begin_own() noexcept {
  if (!map_)
    return;
  std::memset(static_cast<void*>(map_), 0, sizeof(layout));
  map_->magic = magic;
  beat();
  watch_signals();
}

inflight::slot* inflight::begin(std::string_view key, std::string_view label, std::string_view path,
                                std::string_view request) noexcept {
  if (!map_)
    return nullptr;
  thread_local const signal_stack stack;
  static std::atomic<std::size_t> next = 0;
  thread_local std::size_t hint = next.fetch_add(1, std::memory_order_relaxed) % slots_max;
  for (std::size_t i = 0; i < slots_max; ++i) {
    auto& one = map_->slots[(hint + i) % slots_max];
    auto was = is_free;
    if (one.state.load(std::memory_order_relaxed) != is_free ||
        !one.state.compare_exchange_strong(was, being_written, std::memory_order_acquire))
      continue;
    one.signal.store(0, std::memory_order_relaxed);
    one.begun_ms = now_ms();
    put(one.key, key);
    put(one.label, label);
    put(one.path, path);
    put(one.request, request);
    one.check = one.sum();
    one.state.store(whole, std::memory_order_release);
    noted = &one;
    return &one;
  }
  return nullptr;
}

void inflight::end(slot* mine, slot* outer) noexcept {
  noted = outer;
  if (mine)
    mine->state.store(is_free, std::memory_order_release);
}

inflight::slot* inflight::mine() noexcept {
  return noted;
}

void inflight::beat() noexcept {
  if (map_)
    map_->alive_ms.store(now_ms(), std::memory_order_relaxed);
}

void inflight::leaving() noexcept {
  if (map_)
    map_->orderly.store(1, std::memory_order_relaxed);
}

} // namespace lyceum::supervision
