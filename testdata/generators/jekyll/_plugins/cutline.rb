# frozen_string_literal: true

# Runs "cutline prefetch" before Jekyll reads the site, so that "jekyll build" and "jekyll serve" need no step before them. Optional: the
# includes work without it, and GitHub Pages, which runs no plugins, needs the step. In _config.yml, with these defaults:
#
#   cutline:
#     command: cutline
#     out: assets/cutline         # where the files go
#     data: _data/cutline.json    # where the manifest goes
#     arguments: []               # further ones, as [--offline]
Jekyll::Hooks.register :site, :after_reset do |site|
  options = site.config["cutline"] || {}
  command = [
    options["command"] || "cutline", "prefetch", site.source,
    "--out", File.expand_path(options["out"] || "assets/cutline", site.source),
    "--data", File.expand_path(options["data"] || "_data/cutline.json", site.source),
    *options["arguments"],
  ]
  Jekyll.logger.info "Cutline:", command.join(" ")
  case system(*command)
  when nil then raise Jekyll::Errors::FatalException, "cutline: cannot run #{command.first}: is it in the PATH?"
  when false then raise Jekyll::Errors::FatalException, "cutline: prefetch failed, see above"
  end
end
