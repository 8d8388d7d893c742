// SPDX-License-Identifier: Apache-2.0
#include "actors/watcher.hpp"

#include "supervision/child.hpp"

#include <fmt/format.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <cstring>
#include <map>
#include <set>
#include <stdexcept>
#include <utility>

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

namespace lyceum {
namespace {

using clock = std::chrono::steady_clock;
using namespace std::chrono_literals;
namespace fs = std::filesystem;

constexpr auto quiet = 20ms;         // after the last event of a burst (an editor writes, renames, sets times)
constexpr auto burst_max = 200ms;    // after the first one
constexpr auto patience = 500ms;     // between two looks at the mailbox
constexpr auto unwatched_look = 10s; // where the kernel has no watches left for us
constexpr std::size_t folders_max = 8192;
constexpr std::uint32_t events = IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE | IN_CREATE | IN_DELETE_SELF;

bool hidden(std::string_view name) {
  // Editors' own files: .swp, 4913, backup~, #lock#.
  return name.empty() || name.front() == '.' || name.front() == '#' || name.back() == '~';
}

class folder_watch {
public:
  explicit folder_watch(const watcher_options& options) : options_(options) { begin(); }
  folder_watch(const folder_watch&) = delete;
  folder_watch& operator=(const folder_watch&) = delete;
  ~folder_watch() { end(); }

  /// Waits for events or the bell. True once something has changed and been quiet.
  bool wait(int bell) {
    look_at_the_root();
    if (fd_ < 0)
      return wait_without_watches(bell);
    auto until = clock::now() +
                 (changed_.empty() && !lost_ ? std::chrono::milliseconds(patience) : std::chrono::milliseconds(quiet));
    if (!changed_.empty() || lost_)
      until = std::min(until, first_ + burst_max);
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - clock::now());
    std::array<pollfd, 2> ready{{{fd_, POLLIN, 0}, {bell, POLLIN, 0}}};
    const int n = poll(ready.data(), ready.size(), static_cast<int>(std::max<std::int64_t>(0, left.count())));
    if (n > 0 && (ready[0].revents & POLLIN) != 0) {
      read_events();
      return clock::now() - first_ > burst_max && (!changed_.empty() || lost_);
    }
    return n == 0 && (!changed_.empty() || lost_);
  }

  /// What changed, below the folder; nothing where everything may have.
  std::vector<std::string> take() {
    std::vector<std::string> all;
    if (!std::exchange(lost_, false))
      all.assign(changed_.begin(), changed_.end());
    changed_.clear();
    return all;
  }
  std::size_t folders() const { return paths_.size(); }
  bool watching() const { return fd_ >= 0; }

private:
  void begin() {
    fd_ = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    if (fd_ < 0)
      return do_without("the kernel gives no more inotify instances: raise fs.inotify.max_user_instances");
    root_ = identity(options_.content); // first: one that changes just now is another one at the next look
    follow(options_.content);
  }

  void end() {
    if (fd_ >= 0)
      close(std::exchange(fd_, -1));
    paths_.clear();
  }

  /// A school that cannot be watched is looked at every now and then: slower, but nothing that an author saves is lost.
  void do_without(const std::string& why) {
    end();
    if (options_.log && !std::exchange(told_, true))
      options_.log(
          fmt::format("content: {}; until then saved files are noticed within {} s", why, unwatched_look / 1s));
    next_look_ = clock::now() + unwatched_look;
  }

  bool wait_without_watches(int bell) {
    pollfd ready{bell, POLLIN, 0};
    poll(&ready, 1, static_cast<int>(patience / 1ms));
    if (clock::now() < next_look_ && !lost_)
      return false;
    end();
    begin(); // the limit may have been raised; begins the next pause where it was not
    lost_ = true;
    return true;
  }

  static std::pair<dev_t, ino_t> identity(const fs::path& folder) {
    struct stat facts {};
    return stat(folder.c_str(), &facts) == 0 ? std::pair{facts.st_dev, facts.st_ino} : std::pair<dev_t, ino_t>{};
  }

  /// The kernel watches a folder, not its name: one that was renamed away, put back, or is behind a link that now leads elsewhere
  /// would never be heard of again.
  void look_at_the_root() {
    const auto now = identity(options_.content);
    if (now == root_)
      return;
    root_ = now;
    begin_burst();
    lost_ = true;
    end();
    begin();
  }

  void follow(const fs::path& folder) {
    if (fd_ < 0)
      return;
    if (paths_.size() >= folders_max)
      return do_without(fmt::format("more than {} folders are too many to watch", folders_max));
    const int id = inotify_add_watch(fd_, folder.c_str(), events | IN_ONLYDIR);
    if (id < 0) {
      if (errno == ENOSPC)
        do_without("the kernel's limit of watches is reached: raise fs.inotify.max_user_watches");
      return; // gone again already, or not ours to read: the import says so
    }
    paths_[id] = folder;
    std::error_code ignored;
    for (const auto& entry : fs::directory_iterator(folder, ignored))
      if (entry.is_directory(ignored) && !entry.is_symlink(ignored) && !hidden(entry.path().filename().string()))
        follow(entry.path());
  }

  void read_events() {
    alignas(inotify_event) std::array<char, 16 * 1024> buffer;
    ssize_t got = 0;
    while ((got = read(fd_, buffer.data(), buffer.size())) > 0)
      for (ssize_t at = 0; at < got;) {
        inotify_event event{};
        std::memcpy(&event, buffer.data() + at, sizeof event);
        const char* name = buffer.data() + at + sizeof event;
        at += static_cast<ssize_t>(sizeof event + event.len);
        note(event, event.len > 0 ? std::string_view(name) : std::string_view());
      }
  }

  void note(const inotify_event& event, std::string_view name) {
    if ((event.mask & IN_Q_OVERFLOW) != 0) {
      begin_burst();
      lost_ = true;
      return;
    }
    const auto folder = paths_.find(event.wd);
    if (folder == paths_.end())
      return;
    if ((event.mask & (IN_IGNORED | IN_DELETE_SELF)) != 0) {
      if ((event.mask & IN_IGNORED) != 0)
        paths_.erase(folder);
      return;
    }
    if (hidden(name))
      return;
    const auto path = folder->second / name;
    if ((event.mask & IN_ISDIR) != 0) {
      begin_burst();
      lost_ = true; // a folder came or went, with files in it that told nobody
      if ((event.mask & (IN_CREATE | IN_MOVED_TO)) != 0)
        follow(path);
      return;
    }
    if ((event.mask & IN_CREATE) != 0)
      return; // its IN_CLOSE_WRITE follows
    begin_burst();
    changed_.insert(path.lexically_relative(options_.content).generic_string());
  }

  void begin_burst() {
    if (changed_.empty() && !lost_)
      first_ = clock::now();
  }

  const watcher_options& options_;
  int fd_ = -1; // none: `do_without`
  std::pair<dev_t, ino_t> root_;
  bool told_ = false;
  clock::time_point next_look_{};
  std::map<int, fs::path> paths_;
  std::set<std::string> changed_;
  bool lost_ = false;
  clock::time_point first_{};
};

} // namespace

wake_up::wake_up() : fd_(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {
  if (fd_ < 0)
    throw std::runtime_error(fmt::format("eventfd: {}", std::strerror(errno)));
}
wake_up::~wake_up() {
  close(fd_);
}
void wake_up::ring() noexcept {
  const std::uint64_t one = 1;
  [[maybe_unused]] const auto n = write(fd_, &one, sizeof one);
}
void wake_up::drain() noexcept {
  std::uint64_t count = 0;
  [[maybe_unused]] const auto n = read(fd_, &count, sizeof count);
}

caf::behavior watcher(caf::event_based_actor* self, const watcher_options* options, supervision::system* tree,
                      wake_up* bell) {
  auto watch = std::make_shared<folder_watch>(*options);
  supervision::on_inspect(
      self, [watch] { return fmt::format(R"({{"folders":{},"watching":{}}})", watch->folders(), watch->watching()); });
  auto* importer = &tree->named("content/importer");
  if (auto* life = supervision::find_life(self); life && life->generation() > 1)
    supervision::tell(*importer, import_atom::value);
  self->send(self, tick_atom::value);
  return {[self, watch, bell, importer](tick_atom) {
    if (watch->wait(bell->fd())) {
      auto paths = std::make_shared<std::vector<std::string>>(watch->take());
      if (paths->empty())
        supervision::tell(*importer, import_atom::value);
      else
        supervision::tell(*importer, import_atom::value, std::move(paths));
    }
    bell->drain();
    self->send(self, tick_atom::value);
  }};
}

} // namespace lyceum
