// SPDX-License-Identifier: Apache-2.0
#include "supervision/control_audit.hpp"

#include "supervision/crash_log.hpp"

#include <boost/json.hpp>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <system_error>

namespace lyceum::supervision {
namespace {

constexpr std::size_t kept_max = 1000;
constexpr std::size_t args_max = 16;
constexpr std::size_t arg_bytes_max = 256;
constexpr std::streamoff recalled_bytes = 256 * 1024; // of a file of an earlier process

bool is_entry(const std::string& line) {
  boost::system::error_code bad;
  const auto value = boost::json::parse(line, bad);
  return !bad && value.is_object() && value.as_object().contains("command");
}

} // namespace

std::string to_json(const audit_entry& e) {
  std::string args;
  for (std::size_t i = 0; i < std::min(e.args.size(), args_max); ++i)
    args += (i > 0 ? "," : "") + json_string(std::string_view(e.args[i]).substr(0, arg_bytes_max));
  return "{\"at\":" + json_string(utc_text(e.at)) + ",\"uid\":" + std::to_string(e.who.uid) +
         ",\"pid\":" + std::to_string(e.who.pid) + ",\"user\":" + json_string(e.who.name) +
         ",\"role\":" + json_string(name_of(e.who.may)) +
         ",\"command\":" + json_string(std::string_view(e.command).substr(0, arg_bytes_max)) + ",\"args\":[" + args +
         "],\"result\":" + json_string(e.result) + "}";
}

audit_log::audit_log(std::filesystem::path file, std::size_t bytes_max)
    : file_(std::move(file)), bytes_max_(bytes_max) {
  if (file_.empty())
    return;
  recall(file_.string() + ".1");
  recall(file_);
}

void audit_log::recall(const std::filesystem::path& from) {
  std::ifstream in(from, std::ios::binary | std::ios::ate);
  if (!in)
    return;
  const auto size = static_cast<std::streamoff>(in.tellg());
  in.seekg(std::max<std::streamoff>(0, size - recalled_bytes));
  for (std::string line; std::getline(in, line);) // one that was torn, by the cut above or by a full disk, is none
    if (is_entry(line))
      remember(std::move(line));
}

void audit_log::remember(std::string line) {
  kept_.push_back(std::move(line));
  if (kept_.size() > kept_max)
    kept_.pop_front();
}

std::string audit_log::write(const std::string& line) const {
  std::error_code ignored;
  if (file_.has_parent_path())
    std::filesystem::create_directories(file_.parent_path(), ignored);
  int fd = ::open(file_.c_str(), O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
  struct stat is {};
  if (fd >= 0 && ::fstat(fd, &is) == 0 && static_cast<std::size_t>(is.st_size) + line.size() + 2 > bytes_max_) {
    ::close(fd);
    std::filesystem::rename(file_, file_.string() + ".1", ignored);
    fd = ::open(file_.c_str(), O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
    is = {};
  }
  if (fd < 0)
    return std::strerror(errno);
  char last = '\n';
  if (is.st_size > 0) [[maybe_unused]]
    const auto n = ::pread(fd, &last, 1, is.st_size - 1);
  const auto text = (last == '\n' ? "" : "\n") + line + "\n"; // behind a line that a full disk tore
  const auto written = ::write(fd, text.data(), text.size());
  const int why = errno;
  ::close(fd);
  return written == static_cast<ssize_t>(text.size()) ? "" : written < 0 ? std::strerror(why) : "the disk is full";
}

std::string audit_log::add(const audit_entry& what) {
  auto line = to_json(what);
  auto wrong = file_.empty() ? std::string{} : write(line);
  remember(std::move(line));
  return wrong;
}

std::vector<std::string> audit_log::recent(std::size_t n) const {
  std::vector<std::string> some;
  for (auto it = kept_.rbegin(); it != kept_.rend() && some.size() < n; ++it)
    some.push_back(*it);
  return some;
}

} // namespace lyceum::supervision
