// SPDX-License-Identifier: Apache-2.0
// The process side of highlighting: POSIX calls only, no shell.
#include "views/highlight.hpp"

#include "views/markdown/code.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <poll.h>
#include <spawn.h>
#include <stdexcept>
#include <sys/resource.h>
#include <sys/wait.h>
#include <system_error>
#include <unistd.h>

extern "C" { // glibc 2.36 forgot to say so
#include <sys/pidfd.h>
}

namespace lyceum::views {
namespace {

using clock = std::chrono::steady_clock;
namespace fs = std::filesystem;

/// A folder that only we can read, gone with its content at the end.
class private_folder {
public:
  private_folder() : path_((fs::temp_directory_path() / "lyceum-highlight-XXXXXX").string()) {
    if (!::mkdtemp(path_.data()))
      throw std::system_error(errno, std::generic_category(), "no folder for highlight in " + path_);
  }
  private_folder(const private_folder&) = delete;
  private_folder& operator=(const private_folder&) = delete;
  ~private_folder() {
    std::error_code ignored; // a file left in /tmp is no reason to end a process
    fs::remove_all(path_, ignored);
  }
  const std::string& path() const { return path_; }

private:
  std::string path_;
};

class file_descriptor {
public:
  explicit file_descriptor(int fd) : fd_(fd) {}
  file_descriptor(const file_descriptor&) = delete;
  file_descriptor& operator=(const file_descriptor&) = delete;
  ~file_descriptor() {
    if (fd_ >= 0)
      ::close(fd_);
  }
  int get() const { return fd_; }

private:
  int fd_;
};

struct spawn_settings {
  posix_spawn_file_actions_t files;
  posix_spawnattr_t attributes;

  spawn_settings() {
    if (posix_spawn_file_actions_init(&files) != 0)
      throw std::bad_alloc();
    if (posix_spawnattr_init(&attributes) != 0) {
      posix_spawn_file_actions_destroy(&files);
      throw std::bad_alloc();
    }
    posix_spawn_file_actions_addopen(&files, 0, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_addopen(&files, 1, "/dev/null", O_WRONLY, 0);
    posix_spawn_file_actions_addopen(&files, 2, "/dev/null", O_WRONLY, 0);
    posix_spawn_file_actions_addclosefrom_np(&files, 3); // no socket of ours outlives us in it
    sigset_t none, all;
    sigemptyset(&none);
    sigfillset(&all);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setsigdefault(&attributes, &all);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  }
  spawn_settings(const spawn_settings&) = delete;
  spawn_settings& operator=(const spawn_settings&) = delete;
  ~spawn_settings() {
    posix_spawn_file_actions_destroy(&files);
    posix_spawnattr_destroy(&attributes);
  }
};

expected<pid_t> start(const std::vector<std::string>& arguments, const std::string& folder) {
  const char* path = std::getenv("PATH");
  const std::array<std::string, 3> environment = {std::string("PATH=") + (path ? path : "/usr/bin:/bin"),
                                                  "LC_ALL=C.UTF-8", "HOME=" + folder};
  std::vector<char*> argv, envp;
  for (const auto& one : arguments)
    argv.push_back(const_cast<char*>(one.c_str()));
  for (const auto& one : environment)
    envp.push_back(const_cast<char*>(one.c_str()));
  argv.push_back(nullptr);
  envp.push_back(nullptr);
  const spawn_settings settings;
  pid_t pid = 0;
  const int error = posix_spawnp(&pid, argv[0], &settings.files, &settings.attributes, argv.data(), envp.data());
  if (error != 0)
    return fail(problem::kind::unavailable, "highlight cannot be started: " + std::generic_category().message(error));
  // The process takes longer to load its tables than this call takes, so it has written nothing yet.
  const rlimit bytes{highlight_output_max, highlight_output_max};
  prlimit(pid, RLIMIT_FSIZE, &bytes, nullptr);
  return pid;
}

/// Waits for the end of `pid`, whom it kills at the deadline. The process is reaped in every case.
expected<void> finish(pid_t pid, clock::time_point deadline) {
  const file_descriptor process(pidfd_open(pid, 0));
  bool late = process.get() < 0;
  while (!late) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - clock::now()).count();
    pollfd waiting{process.get(), POLLIN, 0};
    const int ready = ::poll(&waiting, 1, static_cast<int>(std::clamp<long>(left, 0, 60'000)));
    if (ready > 0)
      break;
    late = (ready < 0 && errno != EINTR) || clock::now() >= deadline;
  }
  if (late)
    ::kill(pid, SIGKILL);
  int status = 0;
  pid_t reaped = 0;
  do {
    reaped = ::waitpid(pid, &status, 0);
  } while (reaped < 0 && errno == EINTR);
  if (late)
    return fail(problem::kind::timeout, "highlight was not done in time and was killed");
  if (reaped != pid || !WIFEXITED(status) || WEXITSTATUS(status) != 0)
    return fail(problem::kind::unavailable, reaped == pid && WIFSIGNALED(status)
                                                ? "highlight was killed by signal " + std::to_string(WTERMSIG(status))
                                                : "highlight failed");
  return {};
}

void write_file(const std::string& path, const std::string& bytes) {
  std::ofstream file(path, std::ios::binary);
  if (!file.write(bytes.data(), static_cast<std::streamsize>(bytes.size())).flush())
    throw std::runtime_error("cannot write " + path);
}

/// Empty where there is no such file, or more than `bytes_max` in it: the check then finds it wrong.
std::string read_file(const std::string& path, std::size_t bytes_max) {
  std::error_code missing;
  const auto size = fs::file_size(path, missing);
  if (missing || size > bytes_max)
    return {};
  std::string bytes(size, '\0');
  std::ifstream file(path, std::ios::binary);
  file.read(bytes.data(), static_cast<std::streamsize>(size));
  bytes.resize(static_cast<std::size_t>(file.gcount()));
  return bytes;
}

} // namespace

bool highlight_available() {
  const char* path = std::getenv("PATH");
  std::string_view folders = path ? path : "/usr/bin:/bin";
  while (!folders.empty()) {
    const auto folder = folders.substr(0, folders.find(':'));
    folders.remove_prefix(std::min(folders.size(), folder.size() + 1));
    if (!folder.empty() && ::access((std::string(folder) + "/highlight").c_str(), X_OK) == 0)
      return true;
  }
  return false;
}

std::vector<std::string> highlight_arguments(std::string_view syntax, const std::string& folder, std::size_t files) {
  std::vector<std::string> arguments = {"highlight",
                                        "--out-format=html",
                                        "--fragment",
                                        "--no-doc",
                                        "--encoding=utf-8",
                                        "--quiet",
                                        "--syntax=" + std::string(syntax),
                                        "--outdir=" + folder};
  for (std::size_t i = 0; i < files; ++i)
    arguments.push_back(folder + "/" + std::to_string(i));
  return arguments;
}

expected<highlighted> run_highlight(const highlight_batch& batch, clock::time_point deadline,
                                    const std::function<void(pid_t)>& on_start) {
  const auto* language = markdown::language_named(batch.language);
  if (!language || batch.blocks.empty())
    return fail(problem::kind::invalid, language ? "no blocks" : "no such language: " + batch.language);
  std::size_t bytes = 0;
  for (const auto& block : batch.blocks)
    bytes += block.code.size();
  if (batch.blocks.size() > highlight_blocks_max || bytes > highlight_bytes_max)
    return fail(problem::kind::too_large, "more than a batch: " + std::to_string(batch.blocks.size()) + " blocks, " +
                                              std::to_string(bytes) + " bytes");
  const private_folder folder;
  for (std::size_t i = 0; i < batch.blocks.size(); ++i)
    write_file(folder.path() + "/" + std::to_string(i), batch.blocks[i].code);
  const auto pid = start(highlight_arguments(language->syntax, folder.path(), batch.blocks.size()), folder.path());
  if (!pid)
    return tl::unexpected(pid.error());
  if (on_start)
    on_start(*pid);
  if (auto done = finish(*pid, deadline); !done)
    return tl::unexpected(done.error());

  highlighted colours;
  colours.reserve(batch.blocks.size());
  for (std::size_t i = 0; i < batch.blocks.size(); ++i) {
    const auto& block = batch.blocks[i];
    const auto fragment = read_file(folder.path() + "/" + std::to_string(i) + ".html", 64 * block.code.size() + 4096);
    colours.emplace_back(block.hash, checked_colours(fragment, block.code));
  }
  return colours;
}

} // namespace lyceum::views
