// SPDX-License-Identifier: Apache-2.0
// One text file: its name, what stands above it, what it names.
#include "storage/content_parts.hpp"
#include "storage/language_codes.hpp"
#include "storage/model/more.hpp"
#include "storage/moments.hpp"
#include "storage/words.hpp"

#include <algorithm>
#include <array>

namespace lyceum::storage {
namespace {

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

// "%20" and its like undone; what is not such a code stays.
std::string percent_decoded(std::string_view text) {
  const auto digit = [](char c) {
    return is_digit(c) ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
  };
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const int high = text[i] == '%' && i + 2 < text.size() ? digit(text[i + 1]) : -1;
    const int low = high >= 0 ? digit(text[i + 2]) : -1;
    if (low < 0) {
      out += text[i];
      continue;
    }
    out += static_cast<char>(high * 16 + low);
    i += 2;
  }
  return out;
}

// A word of Markdown as the name of a file: without "./", "#part" and "?query".
std::string_view bare_target(std::string_view word) {
  word = word.substr(0, word.find_first_of("#?"));
  while (word.starts_with("./"))
    word.remove_prefix(2);
  return word;
}

// Bytes that end a link's target.
constexpr std::array<bool, 256> word_ends = [] {
  std::array<bool, 256> table{};
  for (const char c : std::string_view(" \t\r\n()<>\"'`[]"))
    table[static_cast<unsigned char>(c)] = true;
  return table;
}();

// Every run of characters that could be a link's target: between blanks, brackets and quotes; and between < and > with blanks.
template <class Each>
void each_word(std::string_view text, Each&& each) {
  const auto ends = [&](std::size_t i) { return word_ends[static_cast<unsigned char>(text[i])]; };
  for (std::size_t from = 0; from < text.size();) {
    std::size_t to = from;
    while (to < text.size() && !ends(to))
      ++to;
    // Files have a dot in their names: the rest of the words need no looking up.
    const std::string_view word = text.substr(from, to - from);
    if (word.size() > 2 && word.find('.') != std::string_view::npos)
      each(word, from);
    if (to < text.size() && text[to] == '<') {
      const auto close = text.substr(to, 300).find('>');
      if (close != std::string_view::npos && text.substr(to, close).find(' ') != std::string_view::npos)
        each(text.substr(to + 1, close - 1), to);
    }
    from = to + 1;
  }
}

std::vector<std::string> path_parts(std::string_view path) {
  std::vector<std::string> parts;
  while (!path.empty()) {
    const auto end = std::min(path.find('/'), path.size());
    if (end > 0)
      parts.push_back(percent_decoded(path.substr(0, end)));
    path.remove_prefix(std::min(end + 1, path.size()));
  }
  return parts;
}

bool read_time(const reading_context& with, const open_text& from, std::string_view key, const std::string& text,
               std::optional<unix_time>& into, std::vector<fault>& faults) {
  if (text.empty())
    return true;
  into = parse_moment(text, with.site->timezone);
  if (!into)
    faults.push_back(error_in(from.file->path, from.parsed.head.line_of(key),
                              std::string(key) + " is \"" + text +
                                  "\"; write a date or a time such as 2024-05-01 or 2024-05-01 09:30"));
  return into.has_value();
}

} // namespace

std::string_view file_name_of(std::string_view path) {
  return path.substr(path.rfind('/') + 1); // npos + 1 is 0
}

std::string_view folder_of(std::string_view path) {
  return path.substr(0, path.rfind('/') + 1);
}

text_name split_text_name(std::string_view file_name) {
  text_name name;
  if (file_name.ends_with(".md"))
    file_name.remove_suffix(3);
  if (const auto dot = file_name.rfind('.'); dot != std::string_view::npos && dot > 0) {
    const std::string tag = lower_ascii(file_name.substr(dot + 1));
    if (is_language(tag)) {
      name.language = tag;
      file_name = file_name.substr(0, dot);
    }
  }
  name.stem = file_name;
  std::size_t digits = 0;
  while (digits < file_name.size() && digits < 6 && is_digit(file_name[digits])) {
    name.position = name.position * 10 + (file_name[digits] - '0');
    ++digits;
  }
  name.numbered = digits > 0 && digits + 1 < file_name.size() && file_name[digits] == '-';
  if (!name.numbered)
    name.position = 0;
  name.bare = name.numbered ? file_name.substr(digits + 1) : file_name;
  return name;
}

void warn_of_odd_language(const reading_context& with, const source_file& file, const text_name& name,
                          bool has_original, std::vector<fault>& faults) {
  if (name.language.empty() || name.language == with.site->language || has_original ||
      is_common_language(name.language))
    return;
  faults.push_back(warning_in(file.path, 0,
                              "read as a translation into \"" + name.language + "\" of " + name.stem +
                                  ".md, which is not there. If ." + name.language +
                                  " belongs to the name, write it with a dash"));
}

std::unique_ptr<open_text> read_text(const reading_context& with, const source_file& file, text_name name,
                                     std::vector<fault>& faults) {
  auto out = std::make_unique<open_text>();
  out->file = &file;
  out->language = name.language.empty() ? with.site->language : name.language;
  out->name = std::move(name);
  auto bytes = read_text_file(file, lesson_file_bytes_max);
  if (!bytes) {
    faults.push_back(error_in(file.path, 0, bytes.error().detail));
    return out;
  }
  out->bytes = std::move(*bytes);
  if (const auto bad = first_bad_utf8(out->bytes)) {
    faults.push_back(error_in(file.path, line_of(out->bytes, *bad), "not UTF-8: save the file in that encoding"));
    return out;
  }
  if (const auto nul = out->bytes.find('\0'); nul != std::string::npos) {
    faults.push_back(error_in(file.path, line_of(out->bytes, nul), "a NUL character stands in the text"));
    return out;
  }
  out->parsed = parse_text(out->bytes);
  for (fault f : out->parsed.faults) {
    f.file = file.path;
    faults.push_back(std::move(f));
  }
  out->ok = out->parsed.ok();
  return out;
}

bool take_head(const reading_context& with, const open_text& from, text_source& into, std::vector<fault>& faults) {
  const front_matter& head = from.parsed.head;
  into.path = from.file->path;
  into.modified = unix_time(std::chrono::microseconds(from.file->modified));
  into.language = from.language;
  into.position = from.name.position;
  into.title = head.title;
  into.summary = head.summary;
  into.author = head.author.empty() ? with.site->author : head.author;
  into.draft = head.draft;
  into.tags = head.tags;
  into.revision = head.revision;
  into.duration = head.duration.value_or(std::chrono::seconds(0));
  into.input.markdown = from.parsed.body;
  into.input.trusted_html = with.site->trusted_html;
  into.reading_minutes = reading_minutes(from.parsed.body);
  const bool published = read_time(with, from, "published", head.published, into.published, faults);
  const bool updated = read_time(with, from, "updated", head.updated, into.updated, faults); // both faults are told
  return published && updated;
}

void take_redirects(const reading_context& with, const open_text& from, const redirect_source& self, text_source& into,
                    std::vector<fault>& faults) {
  std::set<redirect_source> fresh;
  for (const std::string& entry : from.parsed.head.redirect_from) {
    redirect_source r{self.kind, self.parent, entry};
    if (entry.starts_with('/')) {
      auto parts = path_parts(entry);
      const auto& spoken = *with.languages;
      if (parts.size() > 1 &&
          (parts[0] == with.site->language || std::find(spoken.begin(), spoken.end(), parts[0]) != spoken.end()))
        parts.erase(parts.begin());
      if (parts.size() == 2 && parts[0] == "courses")
        r = {"course", "", parts[1]};
      else if (parts.size() == 3 && parts[0] == "courses")
        r = {"lesson", parts[1], parts[2]};
      else if (parts.size() == 2 && parts[0] == "articles")
        r = {"article", "", parts[1]};
      else
        r = {"page", "", parts.size() == 1 ? parts[0] : std::string()};
    }
    if (!slug_fault(r.slug).empty()) {
      faults.push_back(
          warning_in(from.file->path, from.parsed.head.line_of("redirect_from"),
                     "\"" + entry + "\" is neither a slug nor the path of a course, lesson, article or page"));
      continue;
    }
    if (r != self)
      fresh.insert(std::move(r));
  }
  into.redirect_from.assign(fresh.begin(), fresh.end());
}

bool can_be_rendered(const reading_context& with, const open_text& from, const text_source& text,
                     std::vector<fault>& faults) {
  const auto refused = with.judge ? with.judge(text.input) : std::nullopt;
  if (!refused)
    return true;
  const int line = refused->line == 0 ? 0 : from.parsed.body_line + refused->line - 1;
  faults.push_back(error_in(from.file->path, line, refused->why));
  return false;
}

neighbours::neighbours(std::string folder, const std::vector<media_source>& beside,
                       const std::vector<media_source>* shared)
    : folder_(std::move(folder)) {
  for (const auto& file : beside)
    if (file.path.starts_with(folder_))
      files_[file.path.substr(folder_.size())] = &file;
  if (!shared)
    return;
  std::string up;
  for (const char c : folder_)
    if (c == '/')
      up += "../";
  for (const auto& file : *shared) {
    files_[up + file.path] = &file;
    files_["/" + file.path] = &file;
    files_.try_emplace(file.path, &file);
  }
}

void neighbours::add_slug(const std::string& stem, const std::string& slug) {
  slugs_[stem] = slug;
}

const media_source* neighbours::find(std::string_view name) const {
  const auto known = files_.find(std::string(bare_target(name)));
  return known == files_.end() ? nullptr : known->second;
}

image_size neighbours::size_of(const media_source& file) const {
  if (!file.content_type.starts_with("image/"))
    return {};
  const auto [known, fresh] = sizes_.try_emplace(&file);
  if (fresh)
    known->second = image_size_of(file.real);
  return known->second;
}

void neighbours::resolve(text_source& text) const {
  const std::string& markdown = text.input.markdown;
  const auto more = find_more(markdown);
  std::map<std::string, media_link> media;
  std::map<std::string, std::string> slugs;
  std::map<std::pair<std::string, std::string>, bool> used; // path and key → in the part that everyone may read
  each_word(markdown, [&](std::string_view word, std::size_t at) {
    const std::string_view target = bare_target(word);
    if (target.empty())
      return;
    const std::string plain = percent_decoded(target);
    if (const auto file = files_.find(plain); file != files_.end()) {
      const image_size size = size_of(*file->second);
      const std::string url = paths::media(file->second->key, file->second->name);
      media[plain] = {plain, url, size.width, size.height};
      if (plain != target)
        media[std::string(target)] = {std::string(target), url, size.width, size.height};
      used[{file->second->path, file->second->key}] |= more && at < more->offset;
    }
    if (plain.ends_with(".md"))
      if (const auto slug = slugs_.find(plain.substr(0, plain.size() - 3)); slug != slugs_.end())
        slugs[slug->first] = slug->second;
  });
  for (auto& [name, file] : media)
    text.input.media.push_back(std::move(file));
  text.input.slugs.assign(slugs.begin(), slugs.end());
  for (const auto& [file, open] : used) {
    const auto& [path, key] = file;
    text.uses.push_back({"text", "", path, key, open ? access{} : text.who});
  }
}

} // namespace lyceum::storage
