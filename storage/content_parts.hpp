// SPDX-License-Identifier: Apache-2.0
// What courses, articles and pages read in the same way. For storage/content_*.cpp alone.
#pragma once

#include "storage/content_folder.hpp"
#include "storage/front_matter.hpp"
#include "storage/image_size.hpp"
#include "storage/model/paths.hpp"

#include <memory>
#include <set>
#include <unordered_map>

namespace lyceum::storage {

/// "NN-name.LANGUAGE.md" in its parts.
struct text_name {
  std::string stem; ///< "03-enum"
  std::string bare; ///< "enum": without digits and a dash at its front
  int position = 0; ///< 3
  bool numbered = false;
  std::string language; ///< empty: the default one
};
text_name split_text_name(std::string_view file_name);

std::string_view file_name_of(std::string_view path);
std::string_view folder_of(std::string_view path); ///< with a slash at its end, or empty

/// Warns of a name that is read as a translation though it may not be meant as one: its tag is no common language, and no original
/// stands beside it.
void warn_of_odd_language(const reading_context&, const source_file&, const text_name&, bool has_original,
                          std::vector<fault>& faults);

/// A file's text and what stands above it.
struct open_text {
  const source_file* file = nullptr;
  text_name name;
  std::string language;
  std::string bytes; ///< `parsed.body` is a part of it
  parsed_text parsed;
  bool ok = false;
};
/// Reads and parses; faults carry the file's path. `ok` is false where one of them is an error.
std::unique_ptr<open_text> read_text(const reading_context&, const source_file&, text_name, std::vector<fault>& faults);

/// Fills what front matter says into a text. False where a time or a slug is wrong (its fault is told).
bool take_head(const reading_context&, const open_text&, text_source& into, std::vector<fault>& faults);

/// Reads `redirect_from` into a text: slugs of the same kind and parent, or whole paths ("/courses/basics/old").
void take_redirects(const reading_context&, const open_text&, const redirect_source& self, text_source& into,
                    std::vector<fault>& faults);

/// Whether the text can become HTML; where it cannot, the fault names the line.
bool can_be_rendered(const reading_context&, const open_text&, const text_source&, std::vector<fault>& faults);

/// Names that a text may call files and other texts by.
class neighbours {
public:
  /// `folder` is where the text stands, with a slash at its end.
  neighbours(std::string folder, const std::vector<media_source>& beside, const std::vector<media_source>* shared);
  void add_slug(const std::string& stem, const std::string& slug);
  const media_source* find(std::string_view name) const;

  /// Fills `input.media`, `input.slugs` and `uses` with those that the text's Markdown names.
  void resolve(text_source&) const;

private:
  image_size size_of(const media_source&) const;

  std::string folder_;
  std::unordered_map<std::string, const media_source*> files_;
  std::map<std::string, std::string> slugs_;
  mutable std::unordered_map<const media_source*, image_size> sizes_; ///< of pictures that texts show
};

inline fault error_in(const std::string& file, int line, std::string message) {
  return {file, line, fault::severity::error, std::move(message)};
}
inline fault warning_in(const std::string& file, int line, std::string message) {
  return {file, line, fault::severity::warning, std::move(message)};
}

} // namespace lyceum::storage
