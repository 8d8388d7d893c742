// SPDX-License-Identifier: Apache-2.0
#include "storage/content_folder.hpp"

#include "storage/content_parts.hpp"
#include "storage/digest.hpp"
#include "storage/words.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace lyceum::storage {
namespace {

struct kind {
  std::string_view extension;
  std::string_view content_type;
};
constexpr std::array<kind, 24> kinds = {{
    {"mp4", "video/mp4"},   {"webm", "video/webm"},     {"m4v", "video/mp4"},         {"jpg", "image/jpeg"},
    {"jpeg", "image/jpeg"}, {"png", "image/png"},       {"gif", "image/gif"},         {"webp", "image/webp"},
    {"avif", "image/avif"}, {"svg", "image/svg+xml"},   {"vtt", "text/vtt"},          {"mp3", "audio/mpeg"},
    {"m4a", "audio/mp4"},   {"ogg", "audio/ogg"},       {"opus", "audio/ogg"},        {"wav", "audio/wav"},
    {"flac", "audio/flac"}, {"pdf", "application/pdf"}, {"zip", "application/zip"},   {"gz", "application/gzip"},
    {"csv", "text/csv"},    {"txt", "text/plain"},      {"json", "application/json"}, {"epub", "application/epub+zip"},
}};

struct close_folder {
  void operator()(DIR* d) const { ::closedir(d); }
};

std::string real_path(const std::string& path) {
  const std::unique_ptr<char, decltype(&std::free)> real(::realpath(path.c_str(), nullptr), &std::free);
  return real ? real.get() : std::string();
}

class lister {
public:
  explicit lister(folder_listing& out) : out_(out) {}

  void walk(const std::string& below, int depth) {
    const std::unique_ptr<DIR, close_folder> open(::opendir((out_.root + "/" + below).c_str()));
    if (!open) {
      complain(below, std::string("this folder cannot be read: ") + std::strerror(errno));
      return;
    }
    while (const dirent* entry = ::readdir(open.get())) {
      const std::string_view name = entry->d_name;
      if (!name.starts_with('.'))
        look(below.empty() ? std::string(name) : below + "/" + std::string(name), depth);
    }
  }

private:
  void complain(const std::string& path, std::string message) {
    // A folder's own name has no scope: a file's in it does.
    scope_name scope = scope_of(path);
    if (scope.empty())
      scope = scope_of(path + "/x");
    if (scope.empty())
      scope = "site";
    out_.unread.push_back(path);
    out_.faults[scope].push_back(error_in(path, 0, std::move(message)));
  }

  // A name that is no text fits neither a URL nor a database's text. What lies below it is left out with it.
  void complain_of_name(std::string path) {
    while (const auto bad = first_bad_utf8(path))
      path.replace(*bad, 1, "\xEF\xBF\xBD");
    const scope_name above = scope_of(path.substr(0, path.rfind('/')) + "/x");
    out_.faults[above.empty() ? "site" : above].push_back(
        error_in(std::move(path), 0, "its name is not UTF-8, so it is left out: rename it"));
  }

  void look(const std::string& path, int depth) {
    if (first_bad_utf8(path))
      return complain_of_name(path);
    const std::string full = out_.root + "/" + path;
    struct stat found {};
    if (::lstat(full.c_str(), &found) != 0)
      return; // gone since the listing
    const bool link = S_ISLNK(found.st_mode);
    std::string real = full;
    if (link) {
      real = real_path(full);
      if (!scope_of(path).empty() || !scope_of(path + "/x").empty()) {
        if (real.empty())
          return complain(path, "a symbolic link that leads nowhere");
        if (!real.starts_with(out_.root + "/"))
          return complain(path, "a symbolic link that leads out of the folder; copy the file instead");
      }
      if (real.empty() || ::stat(real.c_str(), &found) != 0)
        return;
    }
    if (S_ISDIR(found.st_mode)) {
      if (scope_of(path + "/x").empty() && path != "courses")
        return;
      if (link)
        return complain(path, "a symbolic link to a folder is not followed");
      if (depth >= folder_depth_max)
        return complain(path, "folders nest deeper than " + std::to_string(folder_depth_max));
      return walk(path, depth + 1);
    }
    const scope_name scope = scope_of(path);
    if (scope.empty() || !S_ISREG(found.st_mode))
      return;
    if (++files_ > folder_files_max) {
      if (files_ == folder_files_max + 1)
        complain("site.toml", "more than " + std::to_string(folder_files_max) + " files; the rest is left out");
      return;
    }
    const auto micros = static_cast<std::int64_t>(found.st_mtim.tv_sec) * 1000000 + found.st_mtim.tv_nsec / 1000;
    out_.scopes[scope].push_back(
        {path, std::move(real), found.st_size, micros, static_cast<std::int64_t>(found.st_ino)});
  }

  folder_listing& out_;
  std::size_t files_ = 0;
};

} // namespace

scope_name scope_of(std::string_view path) {
  if (path == "site.toml")
    return "site";
  if (path.starts_with("articles/") || path.starts_with("pages/"))
    return "texts";
  if (path.starts_with("media/"))
    return "media";
  if (!path.starts_with("courses/"))
    return {};
  const auto end = path.find('/', 8);
  return end == std::string_view::npos || end == 8 ? scope_name() : scope_name(path.substr(0, end));
}

expected<folder_listing> list_folder(const std::string& folder) {
  folder_listing out;
  out.root = real_path(folder);
  struct stat found {};
  if (out.root.empty() || ::stat(out.root.c_str(), &found) != 0)
    return fail(problem::kind::not_found, "there is no folder " + folder);
  if (!S_ISDIR(found.st_mode))
    return fail(problem::kind::not_found, folder + " is not a folder");
  if (::access(out.root.c_str(), R_OK | X_OK) != 0)
    return fail(problem::kind::not_found, "the folder " + folder + " cannot be read: " + std::strerror(errno));
  lister(out).walk("", 0);
  std::set<std::string> languages;
  for (auto& [scope, files] : out.scopes) {
    std::sort(files.begin(), files.end(), [](const auto& a, const auto& b) { return a.path < b.path; });
    for (const auto& file : files)
      if (file.path.ends_with(".md"))
        languages.insert(split_text_name(file_name_of(file.path)).language);
  }
  languages.erase("");
  out.languages.assign(languages.begin(), languages.end());
  return out;
}

std::string_view content_type_of(std::string_view path) {
  const auto dot = path.rfind('.');
  if (dot == std::string_view::npos)
    return {};
  const std::string extension = lower_ascii(path.substr(dot + 1));
  const auto known = std::find_if(kinds.begin(), kinds.end(), [&](const kind& k) { return k.extension == extension; });
  return known == kinds.end() ? std::string_view() : known->content_type;
}

expected<std::string> read_text_file(const source_file& file, std::int64_t bytes_max) {
  if (file.bytes > bytes_max)
    return fail(problem::kind::too_large, "the file has " + std::to_string((file.bytes + 1023) / 1024) +
                                              " KiB; at most " + std::to_string(bytes_max / 1024) +
                                              " KiB are taken: split it");
  const int open = ::open(file.real.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
  if (open < 0)
    return fail(problem::kind::not_found, std::string("the file cannot be read: ") + std::strerror(errno));
  // One byte more than it had when it was listed, so that its end is seen; it may have grown since.
  std::string bytes(static_cast<std::size_t>(file.bytes) + 1, '\0');
  const auto most = static_cast<std::size_t>(bytes_max) + 1;
  std::size_t size = 0;
  ssize_t n = 0;
  while (size < most && (n = ::read(open, bytes.data() + size, bytes.size() - size)) > 0) {
    size += static_cast<std::size_t>(n);
    if (size == bytes.size())
      bytes.resize(std::min(most, 2 * bytes.size()));
  }
  const int why = errno;
  ::close(open);
  if (n < 0)
    return fail(problem::kind::not_found, std::string("the file cannot be read: ") + std::strerror(why));
  if (size > static_cast<std::size_t>(bytes_max))
    return fail(problem::kind::too_large,
                "the file grew beyond " + std::to_string(bytes_max / 1024) + " KiB while it was read");
  bytes.resize(size);
  return bytes;
}

std::vector<media_source> read_media(const reading_context& with, const std::vector<source_file>& files,
                                     std::vector<fault>& faults, std::vector<std::string>& held) {
  std::vector<media_source> out;
  for (const source_file& file : files) {
    const auto type = content_type_of(file.path);
    if (type.empty()) {
      faults.push_back(warning_in(file.path, 0, "not a kind of file that a site serves; it is left out"));
      continue;
    }
    std::string digest = with.digest(file);
    if (digest.size() != 64) {
      faults.push_back(error_in(file.path, 0, std::string("the file cannot be read: ") + std::strerror(errno)));
      held.push_back(file.path);
      continue;
    }
    out.push_back({file.path, std::string(file_name_of(file.path)), digest.substr(0, 16), std::string(type), file.bytes,
                   std::move(digest), file.real});
  }
  return out;
}

} // namespace lyceum::storage
