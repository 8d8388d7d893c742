// SPDX-License-Identifier: Apache-2.0
#include "supervision/heart/run_files.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fcntl.h>
#include <fstream>
#include <sys/file.h>
#include <unistd.h>

namespace lyceum::heart {
namespace fs = std::filesystem;

expected<bool> make_run_dir(const fs::path& run_dir) {
  std::error_code failed;
  fs::create_directories(run_dir, failed);
  if (failed && !fs::is_directory(run_dir))
    return fail(problem::kind::forbidden, "cannot make " + run_dir.string() + ": " + failed.message() +
                                              "; choose a data folder that you may write with --data");
  if (access(run_dir.c_str(), W_OK | X_OK) != 0)
    return fail(problem::kind::forbidden, "cannot write in " + run_dir.string() + ": " + std::strerror(errno) +
                                              "; choose a data folder that you may write with --data");
  return true;
}

bool replace_file(const fs::path& file, std::string_view text) {
  auto fresh = file.string() + ".new." + std::to_string(getpid());
  int fd = open(fresh.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (fd < 0)
    return false;
  bool good = write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size());
  good = close(fd) == 0 && good && std::rename(fresh.c_str(), file.c_str()) == 0;
  if (!good) {
    int error = errno;
    unlink(fresh.c_str());
    errno = error;
  }
  return good;
}

void remove_file(const fs::path& file) {
  unlink(file.c_str());
}

std::string listen_json(const std::vector<address>& bound) {
  std::vector<address> listed;
  std::string text = "{\"listen\": [";
  for (const auto& each : bound) {
    if (std::ranges::find(listed, each) != listed.end())
      continue;
    text += (listed.empty() ? "" : ", ") + json_string(each.text());
    listed.push_back(each);
  }
  return text + "]}\n";
}

std::string json_string(std::string_view text) {
  std::string out = "\"";
  for (unsigned char c : text) {
    if (c == '"' || c == '\\') {
      out += '\\';
      out += static_cast<char>(c);
    } else if (c < 0x20) {
      char escaped[8];
      std::snprintf(escaped, sizeof escaped, "\\u%04x", c);
      out += escaped;
    } else {
      out += static_cast<char>(c);
    }
  }
  return out + "\"";
}

expected<run_lock> run_lock::take(const fs::path& run_dir) {
  auto file = run_dir / "heart.lock";
  int fd = open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
  if (fd < 0)
    return fail(problem::kind::forbidden, "cannot write " + file.string() + ": " + std::strerror(errno) +
                                              "; choose a data folder that you may write with --data");
  if (flock(fd, LOCK_EX | LOCK_NB) == 0)
    return run_lock(fd);
  close(fd);
  std::string pid = "?";
  std::ifstream(run_dir / "heart.pid") >> pid;
  return fail(problem::kind::conflict, "another lyceum (pid " + pid + ") serves from " +
                                           run_dir.parent_path().string() +
                                           ": stop it, or choose another data folder with --data");
}

run_lock::~run_lock() {
  if (fd_ >= 0)
    close(fd_);
}

} // namespace lyceum::heart
