"""The vocabulary of the captions: tables of phrases that mean the same.

A group is written as one string with bars between its phrases, the plainest first.
"""

from __future__ import annotations


def _group(phrases: str) -> tuple[str, ...]:
    return tuple(phrase.strip() for phrase in phrases.split("|"))


def _table(rows: dict) -> dict:
    return {key: _group(phrases) for key, phrases in rows.items()}


# By (valence is high, arousal is high).
MOODS: dict[tuple[bool, bool], tuple[str, ...]] = _table({
    (True, True): "happy|joyful|energetic|uplifting|cheerful|bright|playful|triumphant|exciting|lively|upbeat|euphoric|celebratory|heroic|"
    "victorious|adventurous|festive|bouncy|optimistic|exhilarating|fun|carefree|jubilant|bubbly|feel-good|sparkling|radiant|confident|glorious|"
    "thrilling|merry|spirited|vibrant|sunny and fast|full of energy|inspiring|elated|ecstatic|buoyant|zesty|peppy|perky|jolly|gleeful|exuberant|"
    "rousing|stirring|soaring|majestic|regal|valiant|daring|bold|brave|gallant|courageous|swashbuckling|mischievous|quirky|whimsical|cheeky|zany|"
    "goofy|comical|humorous|funny|witty|feisty|sassy|swaggering|cocky|proud|invigorating|refreshing|electrifying|dazzling|brilliant|blazing|fiery|"
    "sizzling|punchy|frolicking|romping|rollicking|jaunty|sprightly|frisky|chirpy|jovial|ebullient|exultant|rapturous|delighted|overjoyed|thrilled|"
    "positive|empowering|motivational|inspirational|summery|sunlit|dancing|skipping|giddy|boisterous|rowdy|larger than life|on top of the world|"
    "giocoso|con spirito|animato|scherzando|brillante",
    (True, False): "calm|peaceful|warm|gentle|serene|relaxing|tender|soothing|hopeful|dreamy|romantic|soft|relaxed|tranquil|cozy|sweet|intimate|"
    "comforting|sunny|light|content|mellow|delicate|idyllic|pastoral|loving|innocent|chill|laid-back|heartwarming|restful|blissful|graceful|kind|"
    "quietly happy|easygoing|placid|untroubled|airy|breezy|cosy|snug|homely|affectionate|caring|nurturing|motherly|consoling|reassuring|forgiving|"
    "grateful|thankful|humble|prayerful|angelic|heavenly|celestial|pure|pristine|glowing|luminous|twinkling|rosy|golden|honeyed|velvety|silky|"
    "sleepy|drowsy|lazy|lulling|hushed|meditative|mindful|harmonious|settled|safe|satisfied|fulfilled|at ease|unruffled|languid|charming|lovely|"
    "pretty|beautiful|enchanting|magical|wondrous|wonderful|childlike|sentimental|fond|devoted|adoring|amorous|sensual|blooming|springlike|bucolic|"
    "dolce|tranquillo|amabile|calmo|contented|easy|heartfelt|friendly|welcoming|good-natured|healing|restorative|floaty|weightless|feathery",
    (False, False): "sad|melancholic|lonely|gloomy|mournful|sorrowful|somber|bleak|desolate|nostalgic|wistful|haunting|cold|mysterious|grieving|"
    "tragic|heartbroken|empty|longing|reflective|eerie|forlorn|solemn|dark and slow|regretful|hollow|despairing|blue|lost|tearful|funereal|ghostly|"
    "yearning|weary|subdued|fragile|depressed|depressing|dejected|downcast|crestfallen|despondent|inconsolable|miserable|woeful|doleful|plaintive|"
    "elegiac|lugubrious|dolente|mesto|lacrimoso|morose|glum|dismal|dreary|drab|grey|barren|wintry|icy|frozen|frosty|chilly|numb|detached|distant|"
    "isolated|abandoned|forsaken|deserted|solitary|homesick|bereaved|bereft|wounded|broken|shattered|defeated|resigned|hopeless|joyless|cheerless|"
    "shadowy|murky|faded|withered|decaying|crumbling|exhausted|tired|worn|heavy-hearted|sighing|weeping|crying|sobbing|remorseful|guilty|ashamed|"
    "bitter|disillusioned|disappointed|aching|painful|moody|sullen|stark|austere|grave|sepulchral|spectral|otherworldly|uncanny|spooky|creepy|"
    "unearthly|secretive|listless|lifeless|sombre|rueful|pining|mourning|fatalistic",
    (False, True): "tense|dark|urgent|stormy|anxious|dramatic|aggressive|menacing|ominous|frantic|suspenseful|angry|dangerous|threatening|scary|"
    "intense|fearful|violent|restless|panicked|sinister|nervous|relentless|epic and dark|chaotic|brooding|desperate|nightmarish|fierce|turbulent|"
    "foreboding|hostile|breathless|unsettling|evil|furious|hectic|frenzied|frenetic|manic|hysterical|feverish|agitated|agitato|jittery|jumpy|edgy|"
    "on edge|paranoid|alarming|panicky|terrified|terrifying|horrifying|frightening|bloodcurdling|hair-raising|spine-chilling|chilling|gripping|"
    "nail-biting|pulse-pounding|high-stakes|life or death|perilous|treacherous|deadly|lethal|murderous|savage|brutal|ruthless|merciless|vicious|"
    "ferocious|feral|raging|wrathful|vengeful|enraged|seething|explosive|volcanic|thunderous|crushing|punishing|harsh|jagged|abrasive|toxic|"
    "venomous|demonic|diabolical|devilish|infernal|hellish|apocalyptic|cataclysmic|catastrophic|doomed|warlike|militant|combative|belligerent|"
    "defiant|rebellious|tormented|tortured|anguished|distraught|delirious|unhinged|deranged|crazed|predatory|hunted|cornered|trapped|"
    "claustrophobic|stressful|strained|taut|uneasy|troubled|disturbing|fateful|grim|tempestuous|tumultuous|furioso|feroce|con fuoco|tempestoso|"
    "impetuous|headlong",
})
MIXED_MOODS = _group(
    "bittersweet|pensive|thoughtful|uncertain|curious|contemplative|ambiguous|neutral|introspective|enigmatic|restrained|understated|poignant|"
    "ambivalent|hesitant|inquisitive|wondering|searching|questioning|tentative|undecided|equivocal|wry|ironic|deadpan|matter-of-fact|impartial|"
    "even-tempered|sober|reserved|measured|inward|musing|philosophical|unresolved|open-ended|complex|conflicted|guarded|noncommittal"
)

GENRES: dict[str, tuple[str, ...]] = _table({
    "ambient": "ambient|ambient music|drone|ambient drone|soundscape|atmospheric|ethereal ambient|space music|new age|ambient pads|atmosphere|"
    "dark ambient|meditation music|textural ambient|ambient wash|ambient soundscape|drone music|drift music|sleep music|spa music|yoga music|"
    "sound bath|deep listening|environmental music|furniture music|sonic wallpaper|ambient electronic|cinematic ambient|space ambient|slow washes|"
    "generative ambient|hypnagogic|synth meditation|tonal drift|background ambience",
    "lofi": "lo-fi|lofi|lofi hip hop|lo-fi hip hop|chillhop|chillhop beats|lofi beats|study beats|chill beats|boom bap|jazzy hip hop|lo-fi beat|"
    "downtempo|jazzhop|chill hop|instrumental hip hop|hip hop|mellow hip hop|trip hop|bedroom beats|bedroom pop|study music|homework beats|"
    "coffee shop beats|cafe beats|abstract hip hop|lo-fi jazz|beat tape|hip hop instrumental|head-nodding beat|neo soul|chillout|lounge beats|"
    "beats to relax to",
    "orchestral": "orchestral|orchestra|cinematic|cinematic orchestral|film score|symphonic|orchestral score|full orchestra|symphony|"
    "movie soundtrack|orchestral film music|score|trailer music|philharmonic|symphonic score|symphonic poem|tone poem|romantic orchestra|"
    "hollywood orchestra|hollywood score|blockbuster score|grand orchestra|orchestral suite|studio orchestra|concert music|cinematic score|"
    "motion picture score|feature film score|orchestral underscore|large ensemble|classical orchestra|cinema music|late romantic|widescreen score|"
    "scored for orchestra",
    "synthwave": "synthwave|retrowave|80s synth|retro electronic|outrun|eighties synth pop|80s synthwave|neon synths|darksynth|analog synth|"
    "retro synth|new wave|dreamwave|vaporwave|italo disco|synth-pop|synthpop|80s electronic|80s soundtrack|eighties soundtrack|vhs soundtrack|"
    "retrofuturist|neon retro|popwave|chillwave|outrun synth|cassette synths|analogue synths|coldwave|minimal synth|retro synth score|retro sci-fi|"
    "analog retro",
    "folk": "folk|acoustic folk|acoustic|folk music|country folk|celtic folk|singer-songwriter|americana|celtic|fingerpicked folk|traditional folk|"
    "bluegrass|campfire music|indie folk|roots music|roots|appalachian|irish folk|scottish folk|gaelic|nordic folk|scandinavian folk|string band|"
    "old-time music|country|alt-country|unplugged|troubadour|folk tune|folk song|barn dance|ceilidh|jug band|pub session|folksy|homespun|rustic|"
    "rural music|front porch music|chamber folk|folk revival|acoustic roots",
    "piano": "piano|solo piano|neoclassical|neoclassical piano|piano piece|modern classical|piano ballad|classical piano|contemporary piano|"
    "piano music|felt piano piece|minimal piano|piano solo|keyboard piece|etude|bagatelle|sonatina|impromptu|piano miniature|piano etude|"
    "piano instrumental|post-classical|minimalist piano|romantic piano|salon piano|piano score|piano theme|recital|piano recital|pianistic|"
    "parlour piano piece|piano sketch|intimate piano",
    "jazz": "jazz|smooth jazz|jazz trio|cool jazz|jazz combo|swing|lounge jazz|bebop|late night jazz|noir jazz|jazz quartet|jazz club|"
    "cocktail jazz|lounge|straight-ahead jazz|hard bop|post-bop|modal jazz|soul jazz|west coast jazz|jazz standard|small group jazz|nightclub jazz|"
    "speakeasy|supper club|hotel bar jazz|piano bar|swing jazz|jazz lounge|noir|film noir|jazz noir|crime jazz|smoky jazz|dinner jazz|jazz quintet|"
    "jam session|bop|jazzy|basement club jazz",
    "chiptune": "chiptune|8-bit|8bit|8 bit music|video game music|chip music|retro game|game boy music|pixel music|nes music|arcade music|16-bit|"
    "retro video game|bitpop|chip|chiptunes|micromusic|tracker music|demoscene|keygen music|console music|handheld game|cartridge music|"
    "arcade game|coin-op|platformer|platform game|pixel art music|bleeps and bloops|blips|sound chip|dungeon crawler|rpg music|jrpg|roguelike|"
    "retro console|square waves|old school game|home computer music|side-scroller|fakebit|lo-res synth",
    "suspense": "suspense|suspense music|thriller|thriller score|tension|horror|horror score|mystery|spy music|crime drama score|"
    "psychological thriller|detective music|suspense underscore|drama score|giallo|noir thriller|neo-noir|whodunit|murder mystery|crime thriller|"
    "police procedural|espionage|cold war thriller|conspiracy thriller|spy thriller|political thriller|techno-thriller|psychological drama|"
    "supernatural thriller|ghost story|gothic|gothic horror|occult|true crime|courtroom drama|undercover|surveillance|investigation|interrogation|"
    "stealth|stealth game|infiltration|survival horror|cliffhanger|dread|tension bed|secret agent",
    "chamber": "chamber music|chamber|string quartet|classical|baroque|chamber ensemble|classical chamber music|string ensemble|woodwind quintet|"
    "quartet|trio|small ensemble|period drama score|baroque music|string trio|string quintet|serenade|divertimento|court music|courtly|rococo|"
    "galant|viennese classical|salon music|drawing room music|period music|costume drama|consort|sinfonietta|chamber orchestra|chamber piece|"
    "chamber suite|conservatory|neobaroque|baroque strings|woodwind ensemble|early classical|georgian|regency drama|aristocratic|candlelit concert|"
    "chamber strings",
    "world": "world music|world|ethnic|global|middle eastern|asian|african|oriental|worldbeat|tribal|traditional|eastern|desert music|"
    "ethnic fusion|nomad music|travel music|global fusion|world fusion|folkloric|indigenous|ancestral|ritual|ceremonial|ceremonial music|"
    "bazaar music|caravan music|exotic|exotica|cross-cultural|intercultural|ethnographic|faraway lands|distant lands|travelogue|travel documentary|"
    "expedition music|silk road|spice market|folk fusion|ethno|handmade instruments|silk and bamboo",
    "electronica": "electronica|electronic|edm|house|techno|idm|electro|dance|trance|electronic beat|deep house|electropop|downbeat electronica|"
    "minimal techno|club music|progressive house|electronic music|dancefloor|dance music|dance track|club track|rave|tech house|melodic techno|"
    "melodic house|synth music|sequencer music|programmed music|machine music|computer music|electronic pop|electronic instrumental|"
    "intelligent dance music|microhouse|eurodance|festival edm|nu disco|disco|electro house|progressive trance|laptop music|danceable|dj set|"
    "underground club|warehouse",
})
# The time that a style brings to mind.
ERAS: dict[str, tuple[str, ...]] = _table({
    "ambient": "seventies ambient|late 70s|timeless|futuristic|space age",
    "lofi": "nineties hip hop era|90s|1990s|modern|contemporary|2010s|present day",
    "orchestral": "golden age hollywood|late romantic era|nineteenth century|silver screen era|classic cinema|symphonic era|matinee era",
    "synthwave": "eighties|80s|1980s|mid-eighties|1984|retro|vintage eighties|the decade of neon",
    "folk": "old-time|sixties folk revival|bygone|pre-industrial|olden days|olde worlde|nineteenth-century rural",
    "piano": "modern|contemporary|21st century|present-day",
    "jazz": "fifties|1950s|50s|sixties|1960s|mid-century|postwar|bygone nightclub era",
    "chiptune": "8-bit era|late eighties|1987|early nineties|retro|nostalgia for the eighties|cartridge era|arcade era|vintage gaming",
    "suspense": "seventies thriller|70s|1970s|cold war era|modern noir|forties noir|vintage thriller",
    "chamber": "eighteenth century|18th century|classical period|baroque era|age of enlightenment|1700s|powdered wigs|georgian era",
    "world": "ancient|age-old|antique|timeless|old world|since time immemorial|biblical",
    "electronica": "nineties rave|90s|2000s|noughties|modern|contemporary|millennium|21st century|cutting-edge",
})

# By General MIDI program.
INSTRUMENTS: dict[int, tuple[str, ...]] = _table({
    0: "piano|grand piano|acoustic piano|keys|soft piano|concert grand|pianoforte|ivories|keyboard",
    1: "bright piano|piano|upright piano|keys|parlor piano|parlour piano|upright", 2: "electric grand|electric grand piano|piano",
    3: "honky-tonk piano|saloon piano|old piano", 4: "electric piano|rhodes|rhodes piano|e-piano|keys|suitcase piano|tine piano|electric keys",
    5: "electric piano|fm piano|dx piano|e-piano|keys|digital piano|glassy electric piano|fm keys",
    6: "harpsichord|cembalo|baroque keyboard|clavecin|harpsichord keys", 7: "clavinet|clav", 8: "celesta|celeste|bells|fairy bells|celesta keys",
    9: "glockenspiel|bells|tiny bells|orchestra bells|glock|bell lyre|metal bars",
    10: "music box|musical box|toy bells|wind-up music box|clockwork bells|mechanical music box|jewelry box",
    11: "vibraphone|vibes|mallets|vibraharp|shimmering mallets", 12: "marimba|mallets|wooden mallets|wooden bars|rosewood mallets",
    13: "xylophone|wooden mallets", 14: "tubular bells|church bells|chimes|bells|orchestral chimes|tolling bells|steeple bells|great bells",
    15: "dulcimer|hammered dulcimer|santur|cimbalom|hammered strings|hackbrett",
    16: "organ|drawbar organ|hammond organ|electric organ|tonewheel organ|organ chords",
    17: "percussive organ|organ|jazz organ|tonewheel organ|electric organ|clicky organ", 18: "rock organ|organ", 19: "church organ|pipe organ|organ",
    20: "reed organ|harmonium|pump organ|parlor organ|bellows organ|free reeds",
    21: "accordion|squeezebox|button accordion|musette|piano accordion|bellows", 22: "harmonica|mouth organ", 23: "bandoneon|tango accordion",
    24: "nylon guitar|classical guitar|acoustic guitar|guitar|spanish guitar|gut string guitar|nylon string guitar|nylon strings|fingerstyle guitar",
    25: "steel guitar|acoustic guitar|guitar|steel string guitar|strummed guitar|folk guitar|flat top guitar|western guitar",
    26: "jazz guitar|mellow electric guitar|guitar|hollow body guitar|archtop|archtop guitar|warm electric guitar|semi-hollow guitar",
    27: "clean guitar|electric guitar|clean electric guitar", 28: "muted guitar|palm muted guitar",
    29: "overdriven guitar|electric guitar|rock guitar", 30: "distorted guitar|distortion guitar|heavy guitar", 31: "guitar harmonics",
    32: "upright bass|double bass|acoustic bass|bass|standup bass|bull fiddle|bass fiddle|string bass",
    33: "electric bass|bass guitar|bass|fingered bass|finger-style bass|electric bassline|round bass", 34: "picked bass|bass guitar|bass",
    35: "fretless bass|bass|smooth bass|fretless|gliding bass|singing bass", 36: "slap bass|bass", 37: "slap bass|funk bass",
    38: "synth bass|analog bass|bass synth|bass|electronic bass|synthesizer bass|synthesiser bass|analogue bass|synthetic bass",
    39: "synth bass|deep synth bass|sub bass|bass|rubbery synth bass|low synth|sub",
    40: "violin|solo violin|fiddle|strings|violinist|virtuoso violin|lone violin", 41: "viola|solo viola|strings|alto violin|violist|dusky viola",
    42: "cello|solo cello|celli|low strings|violoncello|cellist|lone cello",
    43: "contrabass|double bass|low strings|basses|bowed bass|bowed double bass|arco bass|contrabasses|string basses",
    44: "tremolo strings|trembling strings|shivering strings|strings|trembling violins|bowed tremolo|quivering strings|tremolando|fluttering strings",
    45: "pizzicato strings|pizzicato|plucked strings|strings|plucked violins|pizz|pizz strings|pizzicati",
    46: "harp|concert harp|plucked harp|pedal harp|harpist|harp strings|orchestral harp", 47: "timpani|kettledrums|orchestral drums",
    48: "strings|string section|string ensemble|orchestral strings|violins|ensemble strings|string orchestra|bowed strings|symphonic strings|"
    "violins and violas",
    49: "slow strings|strings|string pad|soft strings|lush strings|legato strings|sustained strings|velvet strings|silky strings",
    50: "synth strings|string machine|synthetic strings|synth pad|vintage string synth|analogue strings|ensemble synth",
    51: "synth strings|string machine", 52: "choir|choir aahs|voices|vocal pad|vocal ensemble|chorus|wordless choir|choral voices|aahs|singers",
    53: "voice oohs|voices|choir", 54: "synth voice|vocal synth|synth choir", 55: "orchestra hit",
    56: "trumpet|solo trumpet|brass|trumpeter|lone trumpet|bright brass", 57: "trombone|brass", 58: "tuba|low brass|brass|bass tuba|bass brass",
    59: "muted trumpet|trumpet|trumpet with a mute|cup mute trumpet|stopped trumpet|mute trumpet",
    60: "french horn|horn|horns|brass|french horns|solo horn|orchestral horn|hunting horn",
    61: "brass section|brass|brass ensemble|horn section|brass choir|brasses|trumpets and trombones", 62: "synth brass|brassy synth",
    63: "synth brass|soft synth brass|brassy synth|analog brass|synthetic brass|brass synth",
    64: "soprano sax|saxophone|sax|soprano saxophone|straight sax", 65: "alto sax|saxophone|sax|alto saxophone|alto",
    66: "tenor sax|saxophone|sax|smoky sax|tenor saxophone|tenor|breathy sax|husky sax", 67: "baritone sax|saxophone|sax",
    68: "oboe|solo oboe|woodwinds|hautbois|double reed|oboist", 69: "english horn|cor anglais|woodwinds|alto oboe|tenor oboe|double reed",
    70: "bassoon|woodwinds|low woodwinds|fagotto|bassoonist|low reed|double reed",
    71: "clarinet|solo clarinet|woodwinds|licorice stick|single reed|clarinettist|chalumeau", 72: "piccolo|small flute",
    73: "flute|solo flute|woodwinds|concert flute|transverse flute|flautist|silver flute",
    74: "recorder|wooden flute|block flute|fipple flute|flauto dolce|tudor flute",
    75: "pan flute|panpipes|wooden flute|syrinx|andean flute|reed pipes", 76: "bottle|blown bottle",
    77: "shakuhachi|japanese flute|bamboo flute|end-blown flute|breathy flute|bamboo pipe",
    78: "whistle|whistling|tin whistle|whistled tune|whistler|lips whistling", 79: "ocarina|clay flute|vessel flute|sweet potato flute|ceramic flute",
    80: "square lead|square wave|pulse lead|chip lead|beeps|synth lead|square wave lead|pulse wave|square synth|bleepy lead|hollow synth",
    81: "saw lead|sawtooth synth|saw synth|synth lead|lead synth|saw wave|sawtooth lead|buzzing synth|buzzy lead|analog lead",
    82: "calliope lead|soft synth lead|flute synth|synth lead|calliope|steam organ|fairground organ|chirpy synth", 83: "chiff lead|synth lead",
    84: "charang lead|gritty lead|distorted synth lead|synth lead|edgy lead|rough synth|overdriven synth|biting lead",
    85: "voice lead|vocal synth lead|synth lead|vox lead|singing synth|vowel synth", 86: "fifths lead|synth lead",
    87: "bass lead|fat synth|thick synth lead|synth|chunky synth|heavy synth|fat lead|beefy synth",
    88: "new age pad|fantasia|glassy synth|bell pad|glassy pad|fantasy pad|sparkling pad|digital bell pad",
    89: "warm pad|soft pad|pad|synth pad|analog pad|mellow pad|cushion pad|analogue pad|synth wash|enveloping pad",
    90: "polysynth|poly synth|synth chords|synth pad|polyphonic synth|synthesizer chords|synthesiser chords|stacked synths",
    91: "choir pad|space voices|vocal pad|pad|ethereal voices|choral pad|astral choir",
    92: "bowed pad|bowed glass|glass pad|pad|glass harmonica|rubbed glass|singing glasses|bowed synth", 93: "metallic pad|metal pad",
    94: "halo pad|glowing pad|airy pad|pad|angelic pad|shimmer pad|aura pad",
    95: "sweep pad|sweeping pad|filtered pad|pad|evolving pad|swept pad|morphing pad|moving pad|phasing pad", 96: "rain synth|ice rain",
    97: "soundtrack pad|cinematic pad|fifths pad|pad|widescreen pad|suspended pad|film pad",
    98: "crystal bells|crystal synth|glass bells|synth bells|crystals|glassy bells|icy bells|chiming synth",
    99: "atmosphere synth|atmospheric plucks|nylon synth|plucky synth|ethereal plucks|guitar synth|misty plucks",
    100: "brightness synth|bright synth|shimmering synth|silvery synth|gleaming synth|sheen synth|brilliance synth",
    101: "goblins pad|eerie pad|ghost pad|dissonant pad|goblin synth|spooky pad|haunted pad|creature pad", 102: "echo drops|echo synth",
    103: "star theme|sci-fi pad", 104: "sitar|indian sitar|sitar strings|twangy sitar|raga sitar",
    105: "banjo|five string banjo|twangy banjo|plucked banjo|picked banjo", 106: "shamisen",
    107: "koto|japanese koto|asian zither|zither|plucked zither|silk strings", 108: "kalimba|thumb piano|mbira|thumb harp|sanza|likembe|finger piano",
    109: "bagpipes|pipes", 110: "fiddle|folk violin|violin|country fiddle|folk fiddle|fiddler",
    111: "shanai|shehnai|eastern oboe|shenai|double reed|folk oboe|piercing reed",
    112: "tinkle bell|small bells|tinkling bells|finger bells|jingling bells|wee bells|fairy chimes", 113: "agogo|cowbells",
    114: "steel drums|steel pan|steelpan|steel pans|steel band|caribbean drums", 115: "woodblock|wood block", 116: "taiko|taiko drums",
    117: "melodic tom|toms", 118: "synth drum|electronic tom",
})
NO_VOICES = _group(
    "instrumental|no vocals|without vocals|no singing|no voices|no lyrics|voiceless|no singer|without lyrics|purely instrumental|vocal-free|"
    "no words"
)

DRUMS = _group("drums|percussion|beat|drum beat|drum kit|rhythm section|a beat|drumming|groove|drum groove|drum track|drummer|percussion section")
KITS: dict[int, tuple[str, ...]] = _table({
    0: "acoustic drums|drum kit|drum set|live drums|natural drums|studio drums|standard kit|real drums",
    8: "room drums|roomy drums|drum kit|live room drums|ambient drums|drums in a room",
    24: "electronic drums|electro drums|drum machine|synthetic drums|synth drums|digital drums|electro kit",
    25: "drum machine|808|analog drums|808 drums|drum computer|rhythm box|programmed drums|analogue drums|vintage drum machine",
    40: "brushes|brushed drums|jazz brushes|brush kit|wire brushes|brushwork|brushed snare|soft brushes",
    48: "orchestral percussion|timpani and percussion|cinematic drums|orchestral drums|concert percussion|concert drums|symphonic percussion|"
    "field drums|bass drum and snare",
})
DRUM_LEVELS: dict[int, tuple[str, ...]] = _table({
    0: "soft drums|light percussion|gentle beat|quiet drums|sparse drums|subtle percussion|slow beat|minimal drums|delicate drums|hushed drums|"
    "restrained drums|understated drums|feathery drums|faint percussion|muted drums|barely there drums|discreet percussion|whispering drums|"
    "tapping drums",
    1: "steady drums|steady beat|relaxed groove|groovy drums|laid-back beat|mid-tempo beat|simple beat|solid beat|even beat|moderate drums|"
    "regular beat|easy groove|in the pocket|toe-tapping beat|foot-tapping groove|consistent beat|unfussy drums|reliable beat|balanced drums",
    2: "driving drums|hard hitting drums|pounding drums|energetic beat|heavy drums|fast drums|powerful percussion|intense drums|big drums|"
    "thundering drums|hammering drums|explosive drums|booming drums|relentless drums|hard drums|loud drums|thunderous percussion|slamming drums|"
    "banging beat|punchy drums|stomping beat|furious drums|full-on drums|forceful beat",
})
NO_DRUMS = _group(
    "no drums|without drums|drumless|beatless|no percussion|no beat|drum-free|percussion-free|no drumming|without percussion|without a beat|"
    "no rhythm section|drums off|minus drums|zero drums|unpercussive|without a kit"
)
# What the drummer plays in fours, from the middle level up, by drum pattern family.
PATTERNS: dict[str, tuple[str, ...]] = _table({
    "soft": "rim clicks|rimshots|cross-stick|kick and rim",
    "backbeat": "backbeat|boom bap drums|kick and snare|snare on two and four|hip hop drums|head nod drums",
    "straight": "straight beat|snare on two and four|eighties drums|rock-steady machine beat|kick, snare and hats|backbeat",
    "four": "four on the floor|four-to-the-floor|kick on every beat|thumping kick|handclaps|claps|house beat|club kick",
    "jazz": "ride cymbal|swing ride|spang-a-lang|jazz drumming|tickled ride cymbal|ride pattern|swinging cymbals",
    "folk": "tambourine|jingling tambourine|tambourine and kick",
    "orchestral": "snare drum|military snare|martial snare|concert bass drum|bass drum|parade drums",
    "toms": "toms|tom-toms|floor toms|ritual toms|low toms|rumbling toms|rim clicks and toms",
    "hands": "congas|hand drums|hand percussion|shaker|conga groove|skin drums|shakers and congas|palm-struck drums",
})
# Which of them the drums of a style play.
BEATS = dict(ambient="soft", lofi="backbeat", orchestral="orchestral", synthwave="straight", folk="folk", piano="soft", jazz="jazz", chiptune="straight",
             suspense="toms", chamber="soft", world="hands", electronica="four")

# By tempo: slow below 85 beats per minute, fast from 112.
TEMPOS: dict[str, tuple[str, ...]] = _table({
    "slow": "slow|slow tempo|very slow|largo|adagio|unhurried|slow pace|downtempo pace|slowly|lento|larghetto|adagietto|lentamente|leisurely|"
    "slow-burning|sluggish|crawling|plodding|snail's pace|ballad tempo|in slow motion|creeping|taking its time|low tempo",
    "medium": "medium tempo|mid-tempo|moderate|andante|moderate tempo|walking pace|medium pace|steady pace|andantino|moderato|andante con moto|"
    "moderately paced|strolling|ambling|walking tempo|comfortable pace|middle tempo|trotting|neither fast nor slow|middling speed|average tempo|"
    "medium groove",
    "fast": "fast|fast tempo|quick|allegro|up-tempo|uptempo|presto|fast paced|high tempo|rapid|racing|allegro vivace|vivace|con brio|brisk|briskly|"
    "speedy|swift|hurried|hasty|veloce|quick tempo|sprinting|running|at full speed|quickly|dashing along|allegro con brio",
})
ENERGIES: dict[str, tuple[str, ...]] = _table({
    "low": "sparse|minimal|quiet|low energy|slowly moving|still|few notes|floating|low-key|sustained|static|motionless|hovering|suspended|"
    "lingering|drifting|uneventful|soft-spoken|pianissimo|whispered|economical|long notes|held notes|slow-moving|unhurried motion|quiescent|inert|"
    "understated energy",
    "high": "busy|dense|high energy|driving|pulsing|rhythmic|many notes|forceful|propulsive|kinetic|dynamic|active|animated|insistent|motoric|"
    "hard-driving|bustling|crowded|nonstop|unrelenting|vigorous|muscular|powerful|full throttle|turbocharged|charged|fortissimo|loud|quick notes|"
    "running notes|churning|throbbing|hyperactive|amped up|high-octane|action-packed|constant motion",
})
MODES: dict[str, tuple[str, ...]] = _table({
    "major": "major|major key|in major|in a major key|major mode|major scale|major chords|major tonality|ionian|major harmony|major sounding|"
    "major chord progression",
    "minor": "minor|minor key|in minor|in a minor key|minor mode|minor scale|minor chords|minor tonality|aeolian|natural minor|minor harmony|"
    "minor sounding|minor chord progression",
})
# Music in three; told of no other.
METERS = _group(
    "waltz|waltz time|in three|3/4|3/4 time|triple metre|triple meter|three four time|three-four|three beats to the bar|waltz feel|waltzing|"
    "a waltz|in triple time|waltz rhythm"
)
# By the delay of the off-beats.
FEELS: dict[str, tuple[str, ...]] = _table({
    "swung": "swung|swing feel|shuffled|shuffle|swung eighths|swinging|light swing|loping|loose feel",
    "straight": "straight eighths|even eighths|straight feel|no swing|unswung|on the grid",
})
# By whether the chords carry a seventh.
HARMONIES: dict[str, tuple[str, ...]] = _table({
    "sevenths": "seventh chords|sevenths|jazzy chords|extended chords|colourful harmony|colorful chords|sophisticated harmony|four-note chords|"
    "complex chords",
    "triads": "triads|plain triads|simple chords|plain harmony|straightforward harmony|uncomplicated chords|basic chords|clean triads",
})

# By the number of parts.
TEXTURES: dict[str, tuple[str, ...]] = _table({
    "thin": "duo|duet|stripped-down|bare|skeletal|spare|pared down|unadorned|uncluttered|exposed|naked|two instruments|bare-bones|thinly scored",
    "medium": "small group|a handful of players|compact ensemble|modest arrangement|small combo|a few instruments|well balanced arrangement|"
    "lightly scored|trim arrangement",
    "full": "layered|full arrangement|lush|rich|multi-layered|thick texture|big arrangement|elaborate|opulent|sumptuous|thickly scored|ornate|"
    "interwoven|many instruments|fleshed out|full ensemble",
})
# By the reverb of the mix.
SPACES: dict[str, tuple[str, ...]] = _table({
    "dry": "dry|dry mix|barely any reverb|close-miked|upfront|dead room|little reverb|tight sound|unreverberated|in your face",
    "roomy": "roomy|room sound|small room|studio room|live room|a touch of reverb|room ambience|natural reverb|short reverb",
    "hall": "spacious|reverberant|concert hall|hall reverb|resonant|open sounding|auditorium|generous reverb|wide hall|roomy hall",
    "cavernous": "cavernous|huge reverb|drenched in reverb|cathedral reverb|echoing|vast|long reverb tail|wet mix|soaked in reverb|boundless|"
    "washed in reverb|enormous space|immersive|bathed in echo",
})
# By the tilt of the mix.
TONES: dict[str, tuple[str, ...]] = _table({
    "bright": "bright mix|crisp|glossy|shiny|treble-rich|clear highs|airy highs|gleaming mix|crystal clear|brilliant top end|lots of treble|trebly|"
    "sparkly highs|high-end sheen",
    "dark": "dark mix|muffled|dull|rolled-off highs|bass-heavy|veiled|warm mix|low-passed|subdued highs|smoky tone|muted highs|little treble|boomy|"
    "dusky timbre|woolly",
})

# What follows "for".
PLACES: dict[str, tuple[str, ...]] = _table({
    "hills": "rolling hills|green hills|the countryside|a meadow|the fields|an open landscape|grassland|a picnic on the hill|pastures|farmland|"
    "a hillside|heathland|the moors|gentle slopes|wildflowers|a haystack|grazing sheep|a country lane|the prairie|a windmill|knolls and hedgerows",
    "sea": "the sea|the ocean|open water|a boat on the sea|the waves|a beach|the coast|a sea voyage|the shore|the seaside|a shoreline|a cove|a bay|"
    "an island|the tide|the surf|a sailboat|a ship at sea|seagulls|a lagoon|breakers|a reef|a seascape|sailors|pirates|maritime scenery",
    "city": "the city|a skyline|city streets from above|downtown|skyscrapers|a metropolis|the rooftops|an urban scene|a cityscape|high-rises|"
    "the big city|concrete canyons|office blocks|apartment blocks|a busy city|a financial district|urban sprawl|an urban skyline|traffic|commuters|"
    "glass towers|a megalopolis",
    "forest": "a forest|the woods|a forest clearing|among the trees|deep woods|a walk in the woods|an enchanted forest|pine trees|woodland|a glade|"
    "a grove|undergrowth|ferns and moss|oaks|a thicket|the wilderness|a woodland path|birches|the treetops|fairies|elves|rustling leaves|a copse|"
    "a wildwood|a deer in the woods",
    "desert": "the desert|sand dunes|a caravan|a canyon|a western|the wasteland|a desert crossing|dry plains|a spaghetti western|the wild west|"
    "cowboys|gunslingers|an oasis|a mirage|camels|cacti|a mesa|the badlands|the outback|scorched earth|nomads|the frontier|tumbleweed|"
    "sandstone cliffs|a saloon in the desert|arid land",
    "neon": "a neon street|neon lights|a cyberpunk city|an arcade|a nightclub|city lights|a futuristic street|a neon alley|a dystopian city|"
    "a dystopia|holograms|androids|robots|a hacker|billboards|flashing signs|a megacity|wet asphalt and neon|a retro arcade|a club|cyberspace|"
    "virtual reality|fluorescent signs|a bar district",
    "mountains": "the mountains|a mountain peak|snowy peaks|a summit|the highlands|a mountain pass|a climb|an alpine valley|the alps|cliffs|"
    "a ridge|glaciers|a plateau|a mountaintop|hikers|climbers|an eagle|a mountain monastery|granite walls|rocky peaks|a base camp|a mountain range|"
    "a panorama|a vista|mountaineers",
    "harbour": "a harbour|a harbor|the docks|a fishing port|a lighthouse|sailing boats|the quay|a seaside town|a marina|a wharf|a pier|a jetty|"
    "fishermen|moored boats|a ferry|anchored ships|a waterfront|a boardwalk|a dockyard|a port|a trawler|masts and ropes|a breakwater|a seaport|"
    "barges",
    "interior": "a room|a living room|an interior|a letter by the window|a study|a bedroom|a house|a kitchen table|an apartment|a parlor|a parlour|"
    "a drawing room|a library|an attic|an armchair|a fireplace|a hallway|a bookshelf|a sofa|candlelight indoors|a dining room|indoors|a home|"
    "a desk|a hotel room|four walls",
    "street": "a street|an alley|a street corner|a walk through town|the avenue|a crosswalk|a side street|the old town|a boulevard|a backstreet|"
    "a lane|a sidewalk|a pavement|shop windows|a bus stop|cobblestones|streetlights|storefronts|a neighborhood|a neighbourhood|a city block|"
    "a stroll|an intersection|doorways|pedestrians",
    "river": "a river|a riverside|a stream|a winding river|the riverbank|a lake|a valley|a brook|a canal|a creek|a bridge|reeds|a rowboat|a canoe|"
    "a waterway|ripples|a water mill|a delta|fishing|willows|an estuary|a bend in the river|a lakeside|a ferryman|flowing water",
    "ruins": "ancient ruins|a ruined temple|ruins|an old temple|broken columns|a lost civilization|an abandoned place|a tomb|an archaeological dig|"
    "archaeologists|an excavation|relics|a sunken city|a crumbling temple|pillars|overgrown stones|a shrine|a lost city|artifacts|a necropolis|"
    "antiquity|a forgotten empire|rubble|treasure hunters|stone idols|vestiges",
    "station": "a train station|an empty station|a platform|a train|a railway|a subway station|a departure|an arrival|a terminal|a railroad|"
    "a depot|the metro|a ticket hall|a waiting room|a locomotive|carriages|luggage|a train journey|a rail yard|tracks|passengers|a train conductor|"
    "a stopover|timetables",
    "space": "outer space|space|the stars|a planet|a spaceship|a galaxy|science fiction|the cosmos|an orbit|the universe|the void|a nebula|"
    "asteroids|astronauts|a space station|a starship|deep space|zero gravity|sci-fi|the moon|the solar system|aliens|a rocket|a satellite|"
    "interstellar travel|constellations|a supernova|cosmonauts",
    "village": "a village|a small town|a village square|a farm|old houses|a hamlet|a market|a country fair|villagers|a tavern|an inn|cottages|"
    "a bakery|a blacksmith|a church square|a well|a marketplace|peasants|a harvest festival|barns|thatched roofs|a countryside town|a town fair|"
    "a settlement",
    "battlefield": "a battlefield|a battle|war|an army|a march to war|a siege|soldiers|a last stand|knights|combat|warriors|cavalry|trenches|"
    "troops|an invasion|an ambush|swords|a warzone|infantry|the front line|a crusade|an uprising|legions|banners|a military campaign|artillery|"
    "a rebellion|conquest|armies clashing",
    "castle": "a castle|a fortress|a medieval court|a kingdom|a fairy tale|a palace|a throne room|fantasy|a citadel|a castle keep|a drawbridge|"
    "royalty|a king|a queen|a princess|a royal court|a ballroom|a great hall|a stronghold|a wizard|a dragon|the middle ages|a feast|nobles|turrets|"
    "ramparts|a coronation|a moat",
    "cave": "a cave|a cavern|underground|a dungeon|a mine|a grotto|a tunnel|a crystal cave|stalactites|catacombs|a crypt|a lair|a crevice|"
    "a subterranean lake|the underworld|spelunking|a mineshaft|a chasm|an abyss|miners|the depths|bats|a hidden chamber|torches underground|"
    "an underground river|bedrock",
    "road": "a road|a highway|a road trip|driving|a car ride|the open road|a journey|a drive|a motorway|an interstate|cruising|a convertible|"
    "a motorcycle|a truck|a roadside|asphalt|a freeway|headlights|a car commercial|a detour|hitchhiking|cross-country travel|a bus ride|"
    "a rest stop|a gas station|wheels turning",
    "garden": "a garden|a park|flowers|a courtyard|an orchard|a greenhouse|a tea party|a rose garden|a backyard|a lawn|roses|tulips|butterflies|"
    "bees|a fountain|hedges|a gazebo|a pond|a botanical garden|blossoms|a flower bed|a terrace|a pergola|a park bench|a hedge maze|gardening|shrubs",
})
HOURS: dict[str, tuple[str, ...]] = _table({
    "night": "at night|in the moonlight|after dark|at midnight|under the stars|late at night|in the night|by night|in the dead of night|"
    "past midnight|by moonlight|under the moon|in the small hours|in the dark of night|by starlight|at the witching hour",
    "dusk": "at dusk|at sunset|in the evening|at twilight|at golden hour|in the gloaming|at nightfall|as the sun sets|at sundown|as evening falls|"
    "at the blue hour|at day's end|in fading light|at eventide",
    "dawn": "at dawn|at sunrise|in the morning|at daybreak|early in the morning|at first light|as the sun rises|at cockcrow|at sunup|"
    "in morning light|as day breaks|at the crack of dawn|at the start of the day",
    "day": "by day|in daylight|at noon|in the afternoon|in the sun|at midday|in broad daylight|in the daytime|during the day|under the sun|"
    "in full sun|at lunchtime|at high noon",
})
WEATHERS: dict[str, tuple[str, ...]] = _table({
    "rain": "in the rain|on a rainy day|with rain falling|in a drizzle|in wet weather|in a downpour|in a shower|in pouring rain|under an umbrella|"
    "in a cloudburst|with raindrops|while it rains|under rain clouds|in damp weather|among puddles|on a wet day",
    "mist": "in the mist|in fog|in the haze|on a foggy day|in the fog|through the mist|in thick fog|in hazy weather|under low clouds|"
    "shrouded in mist|in foggy weather|in misty weather|veiled in haze|in vapour",
    "snow": "in the snow|in winter|while snow falls|in the cold|in a snowfall|under snow|in a wintry landscape|among snowflakes|on a snowy day|"
    "in frosty weather|in ice and snow|amid snowdrifts|in the frost|in deep snow|in freezing weather",
    "storm": "in a storm|in a thunderstorm|with thunder|in a tempest|with lightning|in a gale|in a hurricane|in howling wind|in rough weather|"
    "under thunderclouds|in stormy weather|in a squall|amid thunder and lightning|in a rainstorm|on a stormy day|in wild weather",
    "clear": "under a clear sky|in clear weather|in fair weather|under cloudless skies|with no clouds|in fine weather|in dry weather|"
    "under open skies|with good visibility",
})

# What the music is used as; the second table also tells the mood.
CUES = _group(
    "underscore|background music|bed|music bed|loop|cue|film cue|theme|soundtrack|scene music|film music|score cue|montage music|establishing shot|"
    "opening titles|end credits|title music|transition|interlude|instrumental|dialogue underscore|scene change|incidental music|storyboard music|"
    "animatic music|temp track|game soundtrack|trailer|main theme|opening scene|flashback|travel montage|stinger|bumper|ident|jingle|vamp|"
    "leitmotif|motif|vignette|prelude|overture|intermission|entr'acte|main title|opening credits|closing credits|library music|production music|"
    "stock music|menu music|level music|overworld theme|cutscene|cutscene music|loading screen|title screen|level theme|character theme|"
    "signature tune|podcast intro|podcast bed|radio bed|documentary music|vlog music|advert|commercial|promo|slideshow|presentation music|"
    "voice-over bed|narration bed|background score|source music|diegetic music|non-diegetic score|act break|cold open|b-roll music|time lapse|"
    "tracking shot|aerial shot|wide shot|close-up|reveal|segue|bridge|intro|outro|teaser|series theme|short film|student film|web series|"
    "stage play|theatre music|ballet scene|installation|museum exhibit|audiobook|explainer video|tutorial video|adaptive music|interactive music|"
    "seamless loop|placeholder|mockup|scratch track|demo|needle drop|sync track|credit roll|recap|epilogue|prologue|episode|exposition|montage|"
    "visual novel|board game night|inventory screen|map screen|newsreel"
)
MOOD_CUES: dict[tuple[bool, bool], tuple[str, ...]] = _table({
    (True, True): "victory theme|happy ending|chase comedy|celebration scene|hero theme|adventure cue|training montage|parade|action comedy|"
    "opening fanfare|award ceremony|sports highlights|winning goal|carnival scene|circus scene|party scene|graduation|makeover montage|"
    "slapstick scene|screwball comedy|romantic comedy|caper|buddy comedy|treasure hunt|level complete|victory fanfare|bonus level|fireworks|"
    "birthday party|swashbuckler|flying scene|kids cartoon|family adventure|game show|cartoon chase|superhero landing",
    (True, False): "love theme|love scene|morning scene|reunion scene|lullaby|bedtime story|happy memory|comfort scene|nature documentary|"
    "wedding scene|first kiss|proposal scene|baby sleeping|naptime|picnic scene|coming home|happily ever after|childhood memory|family dinner|"
    "homecoming|slow dance|honeymoon|anniversary|sunday morning|christening|nursery|pastoral scene|wonder scene|tender moment|reconciliation|"
    "forgiveness|fairy godmother|save point|cozy game|holiday memory|daydream|cradle song",
    (False, False): "farewell scene|funeral scene|goodbye|lament|elegy|lonely walk|loss|sad ending|breakup scene|aftermath|requiem|dirge|threnody|"
    "deathbed scene|graveyard scene|cemetery scene|memorial|vigil|grief|mourning scene|hospital scene|last letter|exile scene|empty house|"
    "ghost scene|haunted house|ghost town|melodrama|tragedy|tearjerker|sad flashback|rainy window|lost love|unrequited love|prison cell|dying hero|"
    "regret|solitude|isolation",
    (False, True): "tension cue|chase scene|chase at night|fight scene|battle cue|action scene|villain theme|escape|countdown|boss fight|"
    "storm scene|heist|ambush|manhunt|car chase|foot chase|pursuit|standoff|shootout|duel|ticking clock|bomb defusal|jailbreak|prison break|"
    "hostage scene|kidnapping|home invasion|monster attack|zombie attack|slasher|disaster movie|shipwreck|earthquake|explosion|sabotage|betrayal|"
    "showdown|final battle|final boss|boss battle|boss theme|raid|nightmare|jump scare|villain entrance|war scene|combat music|danger music|"
    "red alert|doomsday|hunting scene",
})


def groups() -> list[tuple[str, ...]]:
    """Every group of phrases that may stand for each other."""
    tables = (MOODS, GENRES, ERAS, INSTRUMENTS, KITS, DRUM_LEVELS, PATTERNS, TEMPOS, ENERGIES, MODES, FEELS, HARMONIES,
              TEXTURES, SPACES, TONES, PLACES, HOURS, WEATHERS, MOOD_CUES)
    listed = (group for table in tables for group in table.values())
    return [*listed, MIXED_MOODS, NO_VOICES, DRUMS, NO_DRUMS, METERS, CUES]


def synonyms(phrase: str) -> tuple[str, ...]:
    """The other phrases of all groups that hold `phrase`, in the order of the tables."""
    found = [other for group in groups() if phrase in group for other in group if other != phrase]
    return tuple(dict.fromkeys(found))


def tempo_of(bpm: float) -> str:
    """ "slow", "medium" or "fast"."""
    return "slow" if bpm < 85 else "medium" if bpm < 112 else "fast"


def space_of(send: int) -> str:
    """The key in SPACES of a reverb send of 0..127."""
    return "dry" if send < 30 else "roomy" if send < 55 else "hall" if send < 80 else "cavernous"


def tone_of(brightness: float) -> str:
    """The key in TONES of a tilt of -1..1, "" where it is hardly heard."""
    return "bright" if brightness > 0.3 else "dark" if brightness < -0.3 else ""


def texture_of(parts: int) -> str:
    """The key in TEXTURES of a number of parts."""
    return "thin" if parts <= 2 else "medium" if parts <= 4 else "full"
