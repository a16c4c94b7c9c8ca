package main

// flagConst names the constants of resp.Flags.
var flagConst = map[string]string{
	"write": "Write", "readonly": "ReadOnly", "denyoom": "DenyOOM", "module": "Module",
	"admin": "Admin", "pubsub": "PubSub", "noscript": "NoScript", "blocking": "Blocking",
	"loading": "Loading", "stale": "Stale", "skip_monitor": "SkipMonitor",
	"skip_slowlog": "SkipSlowlog", "asking": "Asking", "fast": "Fast", "no_auth": "NoAuth",
	"may_replicate": "MayReplicate", "no_mandatory_keys": "NoMandatoryKeys",
	"protected": "Protected", "no_async_loading": "NoAsyncLoading", "no_multi": "NoMulti",
	"movablekeys": "MovableKeys", "allow_busy": "AllowBusy",
}

// categoryConst names the constants of resp.Categories.
var categoryConst = map[string]string{
	"@keyspace": "CatKeyspace", "@read": "CatRead", "@write": "CatWrite", "@set": "CatSet",
	"@sortedset": "CatSortedSet", "@list": "CatList", "@hash": "CatHash",
	"@string": "CatString", "@bitmap": "CatBitmap", "@hyperloglog": "CatHyperLogLog",
	"@geo": "CatGeo", "@stream": "CatStream", "@pubsub": "CatPubSub", "@admin": "CatAdmin",
	"@fast": "CatFast", "@slow": "CatSlow", "@blocking": "CatBlocking",
	"@dangerous": "CatDangerous", "@connection": "CatConnection",
	"@transaction": "CatTransaction", "@scripting": "CatScripting",
}

// keyFlagConst names the constants of resp.KeyFlags.
var keyFlagConst = map[string]string{
	"RO": "KeyRO", "RW": "KeyRW", "OW": "KeyOW", "RM": "KeyRM", "access": "KeyAccess",
	"update": "KeyUpdate", "insert": "KeyInsert", "delete": "KeyDelete",
	"not_key": "KeyNotKey", "incomplete": "KeyIncomplete",
	"variable_flags": "KeyVariableFlags",
}
