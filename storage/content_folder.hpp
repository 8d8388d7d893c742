// SPDX-License-Identifier: Apache-2.0
// An author's folder as values and faults. Reads files; knows no database.
#pragma once

#include "storage/fault.hpp"
#include "storage/model/course.hpp"
#include "storage/model/rendered.hpp"
#include "storage/site_file.hpp"

#include <compare>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace lyceum::storage {

inline constexpr std::int64_t lesson_file_bytes_max = 256 * 1024;
inline constexpr std::size_t folder_files_max = 200000;
inline constexpr int folder_depth_max = 8;

/// A file as the folder's listing shows it.
struct source_file {
  std::string path; ///< below the school's folder, with '/'
  std::string real; ///< absolute, symbolic links resolved
  std::int64_t bytes = 0;
  std::int64_t modified = 0; ///< microseconds
  std::int64_t inode = 0;
};

/// A part that is read and written as one: "site", "media", "texts" (articles and pages), "courses/basics".
using scope_name = std::string;
/// Empty for files that are none of the school's.
scope_name scope_of(std::string_view path);

struct folder_listing {
  std::string root;                                      ///< absolute, symbolic links resolved
  std::map<scope_name, std::vector<source_file>> scopes; ///< files in order of path
  std::map<scope_name, std::vector<fault>> faults;       ///< links out of the folder, what cannot be looked at
  std::vector<std::string> unread;    ///< paths that exist and could not be looked at: what was below them is unknown
  std::vector<std::string> languages; ///< that file names state, in order
};

/// Everything below a folder that may be content. Hidden files are left out; folders behind symbolic links are not entered.
///   not_found  no such folder, or it cannot be read
expected<folder_listing> list_folder(const std::string& folder);

/// How a text shows a file, and who may fetch it for that.
struct media_use {
  std::string role;   ///< "video", "poster", "captions", "text"
  std::string track;  ///< the captions' language, else empty
  std::string source; ///< the file's path below the folder
  std::string key;    ///< of the file's bytes
  access who;
};

/// An address that a text had once. `parent` is the course's slug for a lesson, else empty.
struct redirect_source {
  std::string kind; ///< "course", "lesson", "article", "page"
  std::string parent;
  std::string slug;

  auto operator<=>(const redirect_source&) const = default;
};

struct media_source {
  std::string path;
  std::string name;
  std::string key;
  std::string content_type;
  std::int64_t bytes = 0;
  std::string digest;
  std::string real; ///< where its bytes are
};

/// A text in one language as its file states it.
struct text_source {
  std::string path; ///< empty: made up, since no file says it
  std::string slug;
  std::string language;
  int position = 0;
  std::string title;
  std::string summary;
  std::string author;
  access who;
  bool draft = false;
  std::optional<unix_time> published;
  std::optional<unix_time> updated;
  unix_time modified{}; ///< the file's own time
  std::vector<std::string> tags;
  std::vector<redirect_source> redirect_from;
  std::string revision;
  std::chrono::seconds duration{0};
  int reading_minutes = 0;
  bool has_video = false;
  render_input input;
  std::vector<media_use> uses;
};

/// What one scope's files say. `held` are paths whose last good version stays: wrong files, and those that depend on them.
struct course_source {
  std::string slug;
  int position = 0;
  std::vector<text_source> texts;
  std::vector<text_source> lessons; ///< by position, slug, language
  std::vector<media_source> media;
  std::vector<std::string> held;
  std::vector<fault> faults;
};

struct shelf_source {
  std::vector<text_source> articles;
  std::vector<text_source> pages;
  std::vector<media_source> media; ///< files beside them
  std::vector<std::string> held;
  std::vector<fault> faults;
};

/// What reading a scope needs to know of the rest.
struct reading_context {
  const site_info* site = nullptr;
  const std::vector<std::string>* languages = nullptr; ///< of the whole folder
  const std::vector<media_source>* shared = nullptr;   ///< of media/
  /// SHA-256 of a media file; empty where it cannot be read.
  std::function<std::string(const source_file&)> digest;
  render_judge judge = {}; ///< absent: every text can be rendered
};

course_source read_course(const reading_context&, const scope_name& scope, const std::vector<source_file>& files);
shelf_source read_shelf(const reading_context&, const std::vector<source_file>& files);
/// Files of media/, or of `files` in general, with what cannot be served as faults.
std::vector<media_source> read_media(const reading_context&, const std::vector<source_file>& files,
                                     std::vector<fault>& faults, std::vector<std::string>& held);

/// The bytes of a small file, or what is wrong with it.
expected<std::string> read_text_file(const source_file&, std::int64_t bytes_max);

/// "video/mp4" for "a.MP4"; empty for what a site does not serve.
std::string_view content_type_of(std::string_view path);

} // namespace lyceum::storage
