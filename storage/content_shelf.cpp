// SPDX-License-Identifier: Apache-2.0
// articles/<date>-<slug>.md and pages/<slug>.md.
#include "storage/content_parts.hpp"
#include "storage/moments.hpp"
#include "storage/words.hpp"

#include <algorithm>

namespace lyceum::storage {
namespace {

// "2024-05-01-" at the front of an article's name, if it is a date.
bool starts_with_date(std::string_view name) {
  return name.size() > 11 && name[10] == '-' && parse_moment(name.substr(0, 10), "UTC").has_value();
}

class reader {
public:
  reader(const reading_context& with, std::string folder, shelf_source& out, std::vector<text_source>& texts)
      : with_(with), folder_(std::move(folder)), articles_(folder_ == "articles/"), out_(out), texts_(texts),
        names_(folder_, out.media, with.shared) {}

  void read(const std::vector<source_file>& files) {
    for (const auto& file : files) {
      if (!file.path.starts_with(folder_) || !file.path.ends_with(".md"))
        continue;
      if (folder_of(file.path) != folder_) {
        out_.faults.push_back(warning_in(file.path, 0, "texts stand in " + folder_ + " itself; it is left out"));
        continue;
      }
      open_.push_back(read_text(with_, file, split_text_name(file_name_of(file.path)), out_.faults));
    }
    for (const auto& text : open_)
      choose_slug(*text);
    for (const auto& [stem, slug] : slugs_)
      if (slug != split_text_name(stem).bare)
        names_.add_slug(stem, slug);
    for (const auto& text : open_) {
      warn_of_odd_language(with_, *text->file, text->name, originals_.contains(text->name.stem), out_.faults);
      take(*text);
    }
  }

private:
  void choose_slug(const open_text& text) {
    const std::string& stem = text.name.stem;
    const std::string& stated = text.parsed.head.slug;
    const bool original = text.language == with_.site->language;
    if (original)
      originals_[stem] = &text;
    auto& slug = slugs_[stem];
    if (slug.empty() || (original && !stated.empty()))
      slug = !stated.empty() ? stated : articles_ && starts_with_date(stem) ? stem.substr(11) : stem;
  }

  void fail(const open_text& text, std::string_view key, std::string message) {
    out_.faults.push_back(error_in(text.file->path, text.parsed.head.line_of(key), std::move(message)));
    out_.held.push_back(text.file->path);
  }

  void take(const open_text& text) {
    const front_matter& head = text.parsed.head;
    text_source t;
    if (!text.ok || !take_head(with_, text, t, out_.faults)) {
      out_.held.push_back(text.file->path);
      return;
    }
    t.position = 0;
    t.slug = slugs_[text.name.stem];
    if (const auto wrong = slug_fault(t.slug); !wrong.empty())
      return fail(text, "slug", wrong);
    if (!articles_ && is_reserved_page(t.slug, *with_.languages))
      return fail(text, "slug", "a page cannot be called \"" + t.slug + "\": the site itself needs /" + t.slug);
    if (!head.slug.empty() && head.slug != t.slug)
      return fail(text, "slug", "a translation has the slug of its original, \"" + t.slug + "\"");
    const auto [first, fresh] = taken_.emplace(t.slug + "\n" + t.language, text.file->path);
    if (!fresh)
      return fail(text, "slug", "two files have the slug \"" + t.slug + "\": this one and " + first->second);
    if (articles_ && !t.published && starts_with_date(text.name.stem))
      t.published = parse_moment(text.name.stem.substr(0, 10), with_.site->timezone);
    const auto known = originals_.find(text.name.stem);
    const open_text* original = known == originals_.end() ? &text : known->second;
    if (!head.who && !original->ok) {
      out_.faults.push_back(
          warning_in(text.file->path, 0, "waits for " + original->file->path + ", whose access it takes over"));
      out_.held.push_back(text.file->path);
      return;
    }
    t.who = head.who ? *head.who : original->parsed.head.who.value_or(access{});
    take_redirects(with_, text, {articles_ ? "article" : "page", "", t.slug}, t, out_.faults);
    t.input.base_path = paths::prefix(t.language, with_.site->language) + (articles_ ? "/articles/" : "/");
    names_.resolve(t);
    if (!can_be_rendered(with_, text, t, out_.faults))
      return out_.held.push_back(text.file->path);
    texts_.push_back(std::move(t));
  }

  const reading_context& with_;
  std::string folder_;
  bool articles_;
  shelf_source& out_;
  std::vector<text_source>& texts_;
  neighbours names_;
  std::vector<std::unique_ptr<open_text>> open_;
  std::map<std::string, const open_text*> originals_;
  std::map<std::string, std::string> slugs_;
  std::map<std::string, std::string> taken_;
};

} // namespace

shelf_source read_shelf(const reading_context& with, const std::vector<source_file>& files) {
  shelf_source out;
  std::vector<source_file> media;
  std::copy_if(files.begin(), files.end(), std::back_inserter(media),
               [](const source_file& f) { return !f.path.ends_with(".md"); });
  out.media = read_media(with, media, out.faults, out.held);
  reader(with, "articles/", out, out.articles).read(files);
  reader(with, "pages/", out, out.pages).read(files);
  return out;
}

} // namespace lyceum::storage
