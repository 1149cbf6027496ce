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
    (True, True): "happy|joyful|energetic|uplifting|cheerful|bright|playful|triumphant|exciting|lively|upbeat|euphoric|"
    "celebratory|heroic|victorious|adventurous|festive|bouncy|optimistic|exhilarating|fun|carefree|jubilant|bubbly|"
    "feel-good|sparkling|radiant|confident|glorious|thrilling|merry|spirited|vibrant|sunny and fast|full of energy|inspiring",
    (True, False): "calm|peaceful|warm|gentle|serene|relaxing|tender|soothing|hopeful|dreamy|romantic|soft|relaxed|tranquil|"
    "cozy|sweet|intimate|comforting|sunny|light|content|mellow|delicate|idyllic|pastoral|loving|innocent|chill|laid-back|"
    "heartwarming|restful|blissful|graceful|kind|quietly happy|easygoing",
    (False, False): "sad|melancholic|lonely|gloomy|mournful|sorrowful|somber|bleak|desolate|nostalgic|wistful|haunting|cold|"
    "mysterious|grieving|tragic|heartbroken|empty|longing|reflective|eerie|forlorn|solemn|dark and slow|regretful|hollow|"
    "despairing|blue|lost|tearful|funereal|ghostly|yearning|weary|subdued|fragile",
    (False, True): "tense|dark|urgent|stormy|anxious|dramatic|aggressive|menacing|ominous|frantic|suspenseful|angry|dangerous|"
    "threatening|scary|intense|fearful|violent|restless|panicked|sinister|nervous|relentless|epic and dark|chaotic|brooding|"
    "desperate|nightmarish|fierce|turbulent|foreboding|hostile|breathless|unsettling|evil|furious",
})
MIXED_MOODS = _group("bittersweet|pensive|thoughtful|uncertain|curious|contemplative|ambiguous|neutral|introspective|enigmatic|restrained|understated")

GENRES: dict[str, tuple[str, ...]] = _table({
    "ambient": "ambient|ambient music|drone|ambient drone|soundscape|atmospheric|ethereal ambient|space music|new age|"
    "ambient pads|atmosphere|dark ambient|meditation music|textural ambient|ambient wash",
    "lofi": "lo-fi|lofi|lofi hip hop|lo-fi hip hop|chillhop|chillhop beats|lofi beats|study beats|chill beats|boom bap|jazzy hip hop|lo-fi beat|downtempo",
    "orchestral": "orchestral|orchestra|cinematic|cinematic orchestral|film score|symphonic|orchestral score|full orchestra|"
    "symphony|movie soundtrack|orchestral film music|score|trailer music",
    "synthwave": "synthwave|retrowave|80s synth|retro electronic|outrun|eighties synth pop|80s synthwave|neon synths|darksynth|analog synth|retro synth|new wave",
    "folk": "folk|acoustic folk|acoustic|folk music|country folk|celtic folk|singer-songwriter|americana|celtic|fingerpicked folk|"
    "traditional folk|bluegrass|campfire music|indie folk",
    "piano": "piano|solo piano|neoclassical|neoclassical piano|piano piece|modern classical|piano ballad|classical piano|contemporary piano|piano music|"
    "felt piano piece|minimal piano",
    "jazz": "jazz|smooth jazz|jazz trio|cool jazz|jazz combo|swing|lounge jazz|bebop|late night jazz|noir jazz|jazz quartet|jazz club|cocktail jazz|lounge",
    "chiptune": "chiptune|8-bit|8bit|8 bit music|video game music|chip music|retro game|game boy music|pixel music|nes music|arcade music|16-bit|retro video game",
    "suspense": "suspense|suspense music|thriller|thriller score|tension|horror|horror score|mystery|spy music|crime drama score|psychological thriller|"
    "detective music|suspense underscore|drama score",
    "chamber": "chamber music|chamber|string quartet|classical|baroque|chamber ensemble|classical chamber music|string ensemble|woodwind quintet|quartet|trio|"
    "small ensemble|period drama score|baroque music",
    "world": "world music|world|ethnic|global|middle eastern|asian|african|oriental|worldbeat|tribal|traditional|eastern|desert music|"
    "ethnic fusion|nomad music|travel music",
    "electronica": "electronica|electronic|edm|house|techno|idm|electro|dance|trance|electronic beat|deep house|electropop|downbeat electronica|"
    "minimal techno|club music|progressive house",
})

# By General MIDI program.
INSTRUMENTS: dict[int, tuple[str, ...]] = _table({
    0: "piano|grand piano|acoustic piano|keys|soft piano", 1: "bright piano|piano|upright piano|keys", 2: "electric grand|electric grand piano|piano",
    3: "honky-tonk piano|saloon piano|old piano", 4: "electric piano|rhodes|rhodes piano|e-piano|keys", 5: "electric piano|fm piano|dx piano|e-piano|keys",
    6: "harpsichord|cembalo|baroque keyboard", 7: "clavinet|clav", 8: "celesta|celeste|bells", 9: "glockenspiel|bells|tiny bells|orchestra bells",
    10: "music box|musical box|toy bells", 11: "vibraphone|vibes|mallets", 12: "marimba|mallets|wooden mallets", 13: "xylophone|wooden mallets",
    14: "tubular bells|church bells|chimes|bells", 15: "dulcimer|hammered dulcimer|santur", 16: "organ|drawbar organ|hammond organ",
    17: "percussive organ|organ|jazz organ", 18: "rock organ|organ", 19: "church organ|pipe organ|organ", 20: "reed organ|harmonium|pump organ",
    21: "accordion|squeezebox", 22: "harmonica|mouth organ", 23: "bandoneon|tango accordion", 24: "nylon guitar|classical guitar|acoustic guitar|guitar|spanish guitar",
    25: "steel guitar|acoustic guitar|guitar|steel string guitar|strummed guitar", 26: "jazz guitar|mellow electric guitar|guitar|hollow body guitar",
    27: "clean guitar|electric guitar|clean electric guitar", 28: "muted guitar|palm muted guitar", 29: "overdriven guitar|electric guitar|rock guitar",
    30: "distorted guitar|distortion guitar|heavy guitar", 31: "guitar harmonics", 32: "upright bass|double bass|acoustic bass|bass",
    33: "electric bass|bass guitar|bass|fingered bass", 34: "picked bass|bass guitar|bass", 35: "fretless bass|bass|smooth bass", 36: "slap bass|bass",
    37: "slap bass|funk bass", 38: "synth bass|analog bass|bass synth|bass|electronic bass", 39: "synth bass|deep synth bass|sub bass|bass",
    40: "violin|solo violin|fiddle|strings", 41: "viola|solo viola|strings", 42: "cello|solo cello|celli|low strings", 43: "contrabass|double bass|low strings|basses",
    44: "tremolo strings|trembling strings|shivering strings|strings", 45: "pizzicato strings|pizzicato|plucked strings|strings", 46: "harp|concert harp|plucked harp",
    47: "timpani|kettledrums|orchestral drums", 48: "strings|string section|string ensemble|orchestral strings|violins",
    49: "slow strings|strings|string pad|soft strings|lush strings", 50: "synth strings|string machine|synthetic strings|synth pad",
    51: "synth strings|string machine", 52: "choir|choir aahs|voices|vocal pad", 53: "voice oohs|voices|choir", 54: "synth voice|vocal synth|synth choir",
    55: "orchestra hit", 56: "trumpet|solo trumpet|brass", 57: "trombone|brass", 58: "tuba|low brass|brass", 59: "muted trumpet|trumpet|trumpet with a mute",
    60: "french horn|horn|horns|brass", 61: "brass section|brass|brass ensemble", 62: "synth brass|brassy synth", 63: "synth brass|soft synth brass|brassy synth",
    64: "soprano sax|saxophone|sax", 65: "alto sax|saxophone|sax", 66: "tenor sax|saxophone|sax|smoky sax", 67: "baritone sax|saxophone|sax",
    68: "oboe|solo oboe|woodwinds", 69: "english horn|cor anglais|woodwinds", 70: "bassoon|woodwinds|low woodwinds", 71: "clarinet|solo clarinet|woodwinds",
    72: "piccolo|small flute", 73: "flute|solo flute|woodwinds", 74: "recorder|wooden flute|block flute", 75: "pan flute|panpipes|wooden flute",
    76: "bottle|blown bottle", 77: "shakuhachi|japanese flute|bamboo flute", 78: "whistle|whistling|tin whistle", 79: "ocarina|clay flute",
    80: "square lead|square wave|pulse lead|chip lead|beeps|synth lead", 81: "saw lead|sawtooth synth|saw synth|synth lead|lead synth",
    82: "calliope lead|soft synth lead|flute synth|synth lead", 83: "chiff lead|synth lead", 84: "charang lead|gritty lead|distorted synth lead|synth lead",
    85: "voice lead|vocal synth lead|synth lead", 86: "fifths lead|synth lead", 87: "bass lead|fat synth|thick synth lead|synth",
    88: "new age pad|fantasia|glassy synth|bell pad|glassy pad", 89: "warm pad|soft pad|pad|synth pad|analog pad", 90: "polysynth|poly synth|synth chords|synth pad",
    91: "choir pad|space voices|vocal pad|pad", 92: "bowed pad|bowed glass|glass pad|pad", 93: "metallic pad|metal pad", 94: "halo pad|glowing pad|airy pad|pad",
    95: "sweep pad|sweeping pad|filtered pad|pad|evolving pad", 96: "rain synth|ice rain", 97: "soundtrack pad|cinematic pad|fifths pad|pad",
    98: "crystal bells|crystal synth|glass bells|synth bells", 99: "atmosphere synth|atmospheric plucks|nylon synth|plucky synth",
    100: "brightness synth|bright synth|shimmering synth", 101: "goblins pad|eerie pad|ghost pad|dissonant pad", 102: "echo drops|echo synth", 103: "star theme|sci-fi pad",
    104: "sitar|indian sitar", 105: "banjo|five string banjo", 106: "shamisen", 107: "koto|japanese koto|asian zither", 108: "kalimba|thumb piano|mbira",
    109: "bagpipes|pipes", 110: "fiddle|folk violin|violin", 111: "shanai|shehnai|eastern oboe", 112: "tinkle bell|small bells|tinkling bells",
    113: "agogo|cowbells", 114: "steel drums|steel pan|steelpan", 115: "woodblock|wood block", 116: "taiko|taiko drums", 117: "melodic tom|toms",
    118: "synth drum|electronic tom",
})

DRUMS = _group("drums|percussion|beat|drum beat|drum kit|rhythm section|a beat")
KITS: dict[int, tuple[str, ...]] = _table({
    0: "acoustic drums|drum kit|drum set", 8: "room drums|roomy drums|drum kit", 24: "electronic drums|electro drums|drum machine", 25: "drum machine|808|analog drums|808 drums",
    40: "brushes|brushed drums|jazz brushes|brush kit", 48: "orchestral percussion|timpani and percussion|cinematic drums|orchestral drums",
})
DRUM_LEVELS: dict[int, tuple[str, ...]] = _table({
    0: "soft drums|light percussion|gentle beat|quiet drums|sparse drums|subtle percussion|slow beat|minimal drums",
    1: "steady drums|steady beat|relaxed groove|groovy drums|laid-back beat|mid-tempo beat|simple beat|solid beat",
    2: "driving drums|hard hitting drums|pounding drums|energetic beat|heavy drums|fast drums|powerful percussion|intense drums|big drums",
})
NO_DRUMS = _group("no drums|without drums|drumless|beatless|no percussion|no beat")

# By tempo: slow below 85 beats per minute, fast from 112.
TEMPOS: dict[str, tuple[str, ...]] = _table({
    "slow": "slow|slow tempo|very slow|largo|adagio|unhurried|slow pace|downtempo pace|slowly|lento",
    "medium": "medium tempo|mid-tempo|moderate|andante|moderate tempo|walking pace|medium pace|steady pace",
    "fast": "fast|fast tempo|quick|allegro|up-tempo|uptempo|presto|fast paced|high tempo|rapid|racing",
})
ENERGIES: dict[str, tuple[str, ...]] = _table({
    "low": "sparse|minimal|quiet|low energy|slowly moving|still|few notes|floating",
    "high": "busy|dense|high energy|driving|pulsing|rhythmic|many notes|forceful",
})
MODES: dict[str, tuple[str, ...]] = _table({
    "major": "major|major key|in major|in a major key|major mode|major scale|major chords",
    "minor": "minor|minor key|in minor|in a minor key|minor mode|minor scale|minor chords",
})

# What follows "for".
PLACES: dict[str, tuple[str, ...]] = _table({
    "hills": "rolling hills|green hills|the countryside|a meadow|the fields|an open landscape|grassland|a picnic on the hill",
    "sea": "the sea|the ocean|open water|a boat on the sea|the waves|a beach|the coast|a sea voyage|the shore",
    "city": "the city|a skyline|city streets from above|downtown|skyscrapers|a metropolis|the rooftops|an urban scene",
    "forest": "a forest|the woods|a forest clearing|among the trees|deep woods|a walk in the woods|an enchanted forest|pine trees",
    "desert": "the desert|sand dunes|a caravan|a canyon|a western|the wasteland|a desert crossing|dry plains",
    "neon": "a neon street|neon lights|a cyberpunk city|an arcade|a nightclub|city lights|a futuristic street|a neon alley",
    "mountains": "the mountains|a mountain peak|snowy peaks|a summit|the highlands|a mountain pass|a climb|an alpine valley",
    "harbour": "a harbour|a harbor|the docks|a fishing port|a lighthouse|sailing boats|the quay|a seaside town|a marina",
    "interior": "a room|a living room|an interior|a letter by the window|a study|a bedroom|a house|a kitchen table|an apartment",
    "street": "a street|an alley|a street corner|a walk through town|the avenue|a crosswalk|a side street|the old town",
    "river": "a river|a riverside|a stream|a winding river|the riverbank|a lake|a valley|a brook",
    "ruins": "ancient ruins|a ruined temple|ruins|an old temple|broken columns|a lost civilization|an abandoned place|a tomb",
    "station": "a train station|an empty station|a platform|a train|a railway|a subway station|a departure|an arrival",
    "space": "outer space|space|the stars|a planet|a spaceship|a galaxy|science fiction|the cosmos|an orbit",
    "village": "a village|a small town|a village square|a farm|old houses|a hamlet|a market|a country fair",
    "battlefield": "a battlefield|a battle|war|an army|a march to war|a siege|soldiers|a last stand|knights",
    "castle": "a castle|a fortress|a medieval court|a kingdom|a fairy tale|a palace|a throne room|fantasy",
    "cave": "a cave|a cavern|underground|a dungeon|a mine|a grotto|a tunnel|a crystal cave",
    "road": "a road|a highway|a road trip|driving|a car ride|the open road|a journey|a drive",
    "garden": "a garden|a park|flowers|a courtyard|an orchard|a greenhouse|a tea party|a rose garden",
})
HOURS: dict[str, tuple[str, ...]] = _table({
    "night": "at night|in the moonlight|after dark|at midnight|under the stars|late at night", "dusk": "at dusk|at sunset|in the evening|at twilight|at golden hour",
    "dawn": "at dawn|at sunrise|in the morning|at daybreak|early in the morning", "day": "by day|in daylight|at noon|in the afternoon|in the sun",
})
WEATHERS: dict[str, tuple[str, ...]] = _table({
    "rain": "in the rain|on a rainy day|with rain falling|in a drizzle|in wet weather", "mist": "in the mist|in fog|in the haze|on a foggy day",
    "snow": "in the snow|in winter|while snow falls|in the cold", "storm": "in a storm|in a thunderstorm|with thunder|in a tempest", "clear": "under a clear sky|in clear weather",
})

# What the music is used as; the second table also tells the mood.
CUES = _group(
    "underscore|background music|bed|music bed|loop|cue|film cue|theme|soundtrack|scene music|film music|score cue|montage music|"
    "establishing shot|opening titles|end credits|title music|transition|interlude|instrumental|dialogue underscore|scene change|"
    "incidental music|storyboard music|animatic music|temp track|game soundtrack|trailer|main theme|opening scene|flashback|travel montage"
)
MOOD_CUES: dict[tuple[bool, bool], tuple[str, ...]] = _table({
    (True, True): "victory theme|happy ending|chase comedy|celebration scene|hero theme|adventure cue|training montage|parade|action comedy|opening fanfare",
    (True, False): "love theme|love scene|morning scene|reunion scene|lullaby|bedtime story|happy memory|comfort scene|nature documentary|wedding scene",
    (False, False): "farewell scene|funeral scene|goodbye|lament|elegy|lonely walk|loss|sad ending|breakup scene|aftermath",
    (False, True): "tension cue|chase scene|chase at night|fight scene|battle cue|action scene|villain theme|escape|countdown|boss fight|storm scene|heist",
})


def groups() -> list[tuple[str, ...]]:
    """Every group of phrases that may stand for each other."""
    tables = (MOODS, GENRES, INSTRUMENTS, KITS, DRUM_LEVELS, TEMPOS, ENERGIES, MODES, PLACES, HOURS, WEATHERS, MOOD_CUES)
    return [*(group for table in tables for group in table.values()), MIXED_MOODS, DRUMS, NO_DRUMS, CUES]


def synonyms(phrase: str) -> tuple[str, ...]:
    """The other phrases of all groups that hold `phrase`, in the order of the tables."""
    found = [other for group in groups() if phrase in group for other in group if other != phrase]
    return tuple(dict.fromkeys(found))


def tempo_of(bpm: float) -> str:
    """ "slow", "medium" or "fast"."""
    return "slow" if bpm < 85 else "medium" if bpm < 112 else "fast"
