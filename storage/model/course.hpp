// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "storage/model/access.hpp"
#include "storage/model/id.hpp"
#include "storage/model/time.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace lyceum {

/// A language that a text exists in, and where. For the language switch and hreflang.
struct translation {
  std::string language; ///< BCP 47 in lower case: "en", "zh-hans"
  std::string title;
};

/// A file beside a lesson or in media/, served at /media/<key>/<name>. `key` is the first 16 hexadecimal digits of
/// the SHA-256 of its bytes.
struct media_file {
  std::string key;
  std::string name;
  std::string content_type;
  std::int64_t bytes = 0;
  std::string path;            ///< absolute, on this machine
  std::string digest;          ///< SHA-256, 64 hexadecimal digits
  std::vector<access> open_to; ///< of each text that shows it: who may read one of them may fetch it
};
/// True where `who` may fetch the file.
bool may_fetch(const viewer& who, const media_file& what);

struct caption_track {
  std::string language;
  media_file file;
};

struct video {
  media_file file;
  std::optional<media_file> poster;
  std::vector<caption_track> captions;
  std::chrono::seconds duration{0}; ///< zero: not stated
};

/// One line of a course's path: what a list of lessons needs, without the text.
struct lesson_entry {
  id lesson_id = 0;
  std::string slug;
  std::string title;
  std::string summary;
  int position = 0; ///< NN of the file's name
  access who;
  std::chrono::seconds duration{0}; ///< of its video; zero: none or not stated
  int reading_minutes = 0;          ///< at 200 words a minute, at least 1
  bool has_video = false;
};

/// A course in one language. `lessons` are those published in that language, in order.
struct course {
  id course_id = 0;
  std::string slug;
  std::string language;
  std::string title;
  std::string summary;
  std::string words_language; ///< of title, summary and introduction: the default one where this one has no course.md
  std::string render_key;     ///< names its introduction's text and HTML; see storage/model/rendered.hpp
  access who;
  std::vector<std::string> tags;
  unix_time updated_at{};
  std::vector<lesson_entry> lessons;
  std::vector<translation> translations; ///< every language it is published in, itself included
  int lesson_count = 0;                  ///< in lists, where `lessons` stays empty
};

/// A lesson's text in one language, whole.
struct lesson {
  id lesson_id = 0;
  std::string slug;
  std::string language;
  std::string title;
  std::string summary;
  std::string author;
  std::string render_key;
  int position = 0;
  access who; ///< its own, else its course's, else everyone
  std::vector<std::string> tags;
  std::optional<lyceum::video> film;
  int reading_minutes = 0;
  std::string revision;
  unix_time published_at{};
  unix_time updated_at{};

  std::string course_slug;
  std::string course_title;
  std::string course_title_language;  ///< may be the default one
  std::vector<lesson_entry> siblings; ///< the course's lessons in this language, itself included, in order
  std::vector<translation> translations;
};

/// An article or a page (`pages/`), in one language.
struct article {
  id article_id = 0;
  std::string slug;
  std::string language;
  std::string title;
  std::string summary;
  std::string author;
  std::string render_key;
  access who;
  std::vector<std::string> tags;
  int reading_minutes = 0;
  unix_time published_at{};
  unix_time updated_at{};
  std::vector<translation> translations;
};

/// One entry of the site's navigation, from site.toml.
struct nav_entry {
  std::string title;
  std::string url;
};

/// What site.toml says. One row in the database; the site serves from that.
struct site_info {
  std::string title = "Lyceum";
  std::string description;
  std::string language = "en"; ///< the default language: its pages have no language in the URL
  std::string timezone = "UTC";
  std::string accent; ///< a CSS colour; empty: the theme's own
  std::string author;
  bool trusted_html = false; ///< HTML in lessons passes a wider allow-list
  std::vector<nav_entry> navigation;
  std::vector<std::string> languages; ///< every language that anything is published in, the default first
};

} // namespace lyceum
