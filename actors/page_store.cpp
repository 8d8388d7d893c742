// SPDX-License-Identifier: Apache-2.0
#include "actors/page_store.hpp"

#include "actors/file_in_memory.hpp"
#include "actors/page_hash.hpp"
#include "actors/page_record.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <fstream>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <system_error>
#include <unistd.h>

namespace lyceum {
namespace {

constexpr std::uint64_t format_version = 2;

/// The file's first bytes. Rewritten in place when it is opened after a restart of the machine.
struct file_header {
  std::array<char, 8> name{'l', 'y', 'c', 'p', 'a', 'g', 'e', 's'};
  std::uint64_t version = format_version;
  std::array<std::uint64_t, 2> fingerprint{};
  std::uint64_t family = 0;
  std::array<char, 40> boot{}; // which life of the machine the records were written in
};

/// Changes whenever the machine starts; empty where the system does not say, which makes every start check all bytes.
std::array<char, 40> boot_now() {
  std::array<char, 40> id{};
  std::ifstream("/proc/sys/kernel/random/boot_id").read(id.data(), 36);
  return id;
}

file_header header_for(std::string_view fingerprint, std::string_view family) {
  file_header made;
  made.fingerprint = {quick_hash(fingerprint, 1), quick_hash(fingerprint, 2)};
  made.family = quick_hash(family, 1);
  made.boot = boot_now();
  return made;
}

struct file_closer {
  int file;
  explicit file_closer(int of) : file(of) {}
  file_closer(const file_closer&) = delete;
  file_closer& operator=(const file_closer&) = delete;
  ~file_closer() {
    if (file >= 0)
      ::close(file);
  }
  int release() { return std::exchange(file, -1); }
};

/// The whole of `pieces`; false with errno set where the disk refuses, perhaps after a part of it.
bool write_all(int file, std::vector<iovec> pieces) {
  for (std::size_t first = 0; first < pieces.size();) {
    auto count = static_cast<int>(std::min<std::size_t>(pieces.size() - first, 64));
    auto wrote = ::writev(file, &pieces[first], count);
    if (wrote < 0 && errno == EINTR)
      continue;
    if (wrote <= 0) {
      errno = wrote == 0 ? ENOSPC : errno;
      return false;
    }
    auto left = static_cast<std::size_t>(wrote);
    while (first < pieces.size() && left >= pieces[first].iov_len)
      left -= pieces[first++].iov_len;
    if (left > 0) {
      pieces[first].iov_base = static_cast<char*>(pieces[first].iov_base) + left;
      pieces[first].iov_len -= left;
    }
  }
  return true;
}

bool write_record(int file, const page_record::outgoing& what) {
  std::vector<iovec> pieces;
  auto add = [&pieces](std::string_view bytes) {
    if (!bytes.empty())
      pieces.push_back({const_cast<char*>(bytes.data()), bytes.size()}); // writev only reads it
  };
  add({reinterpret_cast<const char*>(&what.first), sizeof what.first});
  add(what.facts);
  for (auto piece : what.bytes)
    add(piece);
  add(what.padding);
  return write_all(file, std::move(pieces));
}

bool write_header(int file, const file_header& what) {
  return write_all(file, {{const_cast<file_header*>(&what), sizeof what}});
}

/// What evictions in the file mean for the pages before and after them, as in `page_table::put` and `mark_stale`.
struct evictions {
  struct one {
    std::int64_t seq = 0;        // the highest
    std::size_t last = 0;        // its place in the file
    std::size_t last_of_all = 0; // the last eviction of whatever was there
  };
  std::unordered_map<std::string, one> by_tag;

  void note(const std::string& tag, std::int64_t seq, std::size_t at) {
    auto& there = by_tag[tag];
    there.seq = std::max(there.seq, seq);
    (seq > 0 ? there.last : there.last_of_all) = at;
  }
  bool hit(const page& what, std::size_t at) const {
    return std::ranges::any_of(what.tags, [&](const std::string& tag) {
      auto there = by_tag.find(tag);
      if (there == by_tag.end())
        return false;
      const auto& [seq, last, last_of_all] = there->second;
      return last_of_all > at || (what.content_seq < seq && (what.content_seq != 0 || last > at));
    });
  }
};

} // namespace

page_store::page_store(std::filesystem::path folder, std::string_view fingerprint, log_line log, kinship of)
    : folder_(std::move(folder)), fingerprint_(fingerprint), family_(of.family), inherits_(of.inherits),
      log_(std::move(log)) {
  open();
}

page_store::~page_store() {
  if (file_ >= 0)
    ::close(file_);
  if (lock_ >= 0)
    ::close(lock_);
}

std::vector<page_store::kept> page_store::take() {
  std::lock_guard lock(guard_);
  return std::exchange(loaded_, {});
}

/// False where another process writes. Errors give up.
bool page_store::try_lock() {
  if (lock_ < 0)
    lock_ = ::open((folder_ / "lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (lock_ < 0) {
    give_up("opening its lock", errno);
    return false;
  }
  if (::flock(lock_, LOCK_EX | LOCK_NB) == 0)
    return true;
  if (errno != EWOULDBLOCK)
    give_up("locking", errno);
  return false;
}

void page_store::open() {
  std::error_code fault;
  std::filesystem::create_directories(folder_, fault);
  bool alone = try_lock();
  if (gave_up_)
    return;
  file_closer file(
      ::open((folder_ / "pages").c_str(), alone ? O_RDWR | O_CREAT | O_CLOEXEC : O_RDONLY | O_CLOEXEC, 0600));
  struct stat facts {};
  if (file.file < 0 || ::fstat(file.file, &facts) != 0) {
    if (alone)
      give_up("opening", errno);
    return;
  }

  const file_header ours = header_for(fingerprint_, family_);
  file_header theirs;
  auto size = static_cast<std::uint64_t>(facts.st_size);
  bool readable = size >= sizeof theirs && ::pread(file.file, &theirs, sizeof theirs, 0) == sizeof theirs &&
                  theirs.name == ours.name && theirs.version == ours.version;
  bool same = readable && theirs.fingerprint == ours.fingerprint;
  bool kin = readable && !same && inherits_ && theirs.family == ours.family;
  file_bytes_ = sizeof ours;
  if (same || kin)
    load(file.file, size, theirs.boot == ours.boot && ours.boot[0] != '\0', kin);
  if (!alone)
    return;
  if (!same)
    return begin_anew();

  // From here the file is ours: cut off what is torn, and say in which life of the machine it grows on.
  if (::ftruncate(file.file, static_cast<off_t>(file_bytes_)) != 0 || ::lseek(file.file, 0, SEEK_SET) != 0 ||
      !write_header(file.file, ours) || ::lseek(file.file, 0, SEEK_END) < 0)
    return give_up("preparing its file", errno);
  file_ = file.release();
}

/// A new file in the place of another build's, whose pages a process on its way out may still be sending.
void page_store::begin_anew() {
  auto fresh_path = folder_ / "pages.new";
  file_closer fresh(::open(fresh_path.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
  records_.clear();
  live_bytes_ = 0;
  file_bytes_ = sizeof(file_header);
  if (fresh.file < 0 || !write_header(fresh.file, header_for(fingerprint_, family_)) ||
      ::rename(fresh_path.c_str(), (folder_ / "pages").c_str()) != 0)
    return give_up("preparing its file", errno);
  file_ = fresh.release();
  for (const auto& one : loaded_) // inherited: ours from here on
    put(one.key, *one.what, one.stale);
}

/// Fills `loaded_` from all whole records at the file's start; `file_bytes_` becomes their end. `kin`: another build's.
void page_store::load(int file, std::uint64_t size, bool trusted, bool kin) {
  auto owner = file_in_memory::of(file, size);
  if (!owner)
    return;
  auto all = owner->bytes;

  struct placed {
    page_ptr what;
    std::size_t at = 0;
    bool stale = false;
  };
  std::unordered_map<std::string, placed> pages;
  evictions evicted;
  while (auto one = page_record::read(all.substr(file_bytes_), owner, !trusted)) {
    auto at = static_cast<std::size_t>(file_bytes_);
    switch (one->what) {
    case page_record::kind::page:
    case page_record::kind::stale_page:
      account(one->name, one->size);
      newest_seq_ = std::max(newest_seq_, one->made->content_seq);
      pages[one->name] = {std::move(one->made), at, one->what == page_record::kind::stale_page};
      break;
    case page_record::kind::erased:
      account(one->name, 0);
      pages.erase(one->name);
      break;
    case page_record::kind::evicted:
      newest_seq_ = std::max(newest_seq_, one->seq);
      evicted.note(one->name, one->seq, at);
      break;
    }
    file_bytes_ += one->size;
  }
  std::vector<std::pair<std::size_t, kept>> in_order;
  in_order.reserve(pages.size());
  for (auto& [key, one] : pages)
    in_order.emplace_back(
        one.at, kept{key, one.what, one.stale || evicted.hit(*one.what, one.at) || (kin && !one.what->immutable)});
  std::ranges::sort(in_order, {}, &std::pair<std::size_t, kept>::first);
  loaded_.reserve(in_order.size());
  for (auto& [at, one] : in_order)
    loaded_.push_back(std::move(one));
}

std::int64_t page_store::newest_seq() const {
  std::lock_guard lock(guard_);
  return newest_seq_;
}

page_store::figures page_store::now() const {
  std::lock_guard lock(guard_);
  return {.writing = file_ >= 0, .file_bytes = file_bytes_, .live_bytes = live_bytes_};
}

void page_store::put(const std::string& key, const page& what, bool stale) {
  auto record = page_record::of_page(key, what, stale);
  std::lock_guard lock(guard_);
  newest_seq_ = std::max(newest_seq_, what.content_seq);
  if (file_ < 0)
    return;
  append(record);
  account(key, record.first.size);
}

void page_store::erase(const std::string& key) {
  std::lock_guard lock(guard_);
  if (file_ < 0 || !records_.contains(key))
    return;
  append(page_record::of_erased(key));
  account(key, 0);
}

void page_store::evicted(const std::string& tag, std::int64_t seq) {
  std::lock_guard lock(guard_);
  newest_seq_ = std::max(newest_seq_, seq);
  if (file_ >= 0)
    append(page_record::of_evicted(tag, seq));
}

void page_store::append(const page_record::outgoing& what) {
  if (!write_record(file_, what))
    return give_up("writing", errno);
  file_bytes_ += what.first.size;
}

void page_store::account(const std::string& key, std::uint64_t bytes) {
  if (bytes == 0) {
    if (auto at = records_.find(key); at != records_.end()) {
      live_bytes_ -= at->second;
      records_.erase(at);
    }
    return;
  }
  auto& there = records_[key];
  live_bytes_ = live_bytes_ - there + bytes;
  there = bytes;
}

bool page_store::wants_rewrite() {
  std::lock_guard lock(guard_);
  if (gave_up_)
    return false;
  if (file_ < 0)
    return try_lock();
  return file_bytes_ > slack_bytes && live_bytes_ < file_bytes_ / 2;
}

void page_store::rewrite(const std::vector<page_table::entry>& pages) {
  std::lock_guard lock(guard_);
  if (gave_up_)
    return;
  auto fresh_path = folder_ / "pages.new";
  file_closer fresh(::open(fresh_path.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
  if (fresh.file < 0)
    return give_up("opening a new file", errno);
  records_.clear();
  live_bytes_ = 0;
  file_bytes_ = sizeof(file_header);
  bool good = write_header(fresh.file, header_for(fingerprint_, family_));
  auto add = [&](const page_record::outgoing& what) {
    good = good && write_record(fresh.file, what);
    file_bytes_ += what.first.size;
  };
  add(page_record::of_evicted("", newest_seq_)); // no page's tag: it carries the number on
  for (const auto& one : pages) {
    bool stale = one.state != page_table::freshness::fresh;
    auto record = page_record::of_page(one.key, *one.what, stale);
    add(record);
    account(one.key, record.first.size);
  }
  if (!good || ::rename(fresh_path.c_str(), (folder_ / "pages").c_str()) != 0)
    return give_up("writing a new file", errno);
  if (file_ >= 0)
    ::close(file_);
  file_ = fresh.release();
}

void page_store::let_go() {
  std::lock_guard lock(guard_);
  gave_up_ = true;
  if (file_ >= 0)
    ::close(std::exchange(file_, -1));
  if (lock_ >= 0)
    ::close(std::exchange(lock_, -1)); // and with it the lock
}

/// A store that misses an eviction would give old pages to the next process as fresh, so nothing of it may stay.
void page_store::give_up(const std::string& doing, int fault) {
  gave_up_ = true;
  if (file_ >= 0)
    ::close(std::exchange(file_, -1));
  std::error_code ignored;
  std::filesystem::remove(folder_ / "pages", ignored);
  std::filesystem::remove(folder_ / "pages.new", ignored);
  log_("page store " + folder_.string() + ": " + doing + " failed (" + std::generic_category().message(fault) +
       "); pages are kept in memory only until the next start");
}

} // namespace lyceum
