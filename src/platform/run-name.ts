/** Names for runs, in the form xetrack gives its tracks: two words and four digits, `quiet-otter-0412`. */
const FIRST =
  "amber ancient autumn bold brave bright brisk calm careful clear clever cool cosy crisp curious daring dawn deep eager early fair fancy fast fine fleet fond fresh gentle glad golden grand green happy hardy honest humble jolly keen kind late light lively lucky mellow merry mild misty modest neat nimble noble patient plain polite proud quick quiet rapid ready rustic serene sharp shy silent silver simple sleek smart smooth snowy soft solid spring steady still stout summer sunny swift tidy tiny true vast velvet vivid warm wild windy winter wise witty young".split(
    " ",
  );
const SECOND =
  "acorn alder antler ash aspen badger bay beaver beech birch bison bloom boulder branch breeze brook canyon cedar cliff cloud comet condor coral cove crane creek cricket dale deer delta dove dune eagle elk elm ember falcon fern field finch fir fjord forest fox frost gale garden glade grove gull harbor hare hawk hazel heron hill iris island ivy jay juniper kestrel lagoon lake lark leaf lichen lily lynx maple marsh marten meadow mesa moon moss oak ocean orchid osprey otter owl peak pebble pine plover pond poplar prairie quail rain raven reed reef ridge river robin rowan sage salmon seal shore sky sparrow spruce star stone stork stream swallow swan thistle thrush tide trout tulip vale valley walnut wave willow wolf wren yew".split(
    " ",
  );

/** `random` is uniform in [0, 1). */
export function runName(random: () => number): string {
  const pick = (words: readonly string[]) => words[Math.floor(random() * words.length)] ?? "";
  const number = Math.floor(random() * 10_000);
  return `${pick(FIRST)}-${pick(SECOND)}-${String(number).padStart(4, "0")}`;
}
