using Sync.Contracts;
using Sync.Transport.Internal;

namespace Sync.Transport;

/// <summary>Names as subjects and back (docs/PROTOCOL.md, Subjects). A vault is two tokens, <c>group.partition</c> or
/// <c>vault._</c>, so that wildcards and permissions work by group. Immutable, safe from any thread.</summary>
public sealed class Subjects : ISubjectMap
{
    /// <summary>Longest subject made or read here, in characters. Names and prefixes within their limits stay below it.</summary>
    public const int LengthMax = SubjectRules.LengthMax;

    /// <summary>The queue group that writers answer on.</summary>
    public const string WriterQueueGroup = "sync.writer";

    private const string NoPartition = "_";
    private const string AnyPartition = "~";
    private const string AnyCollection = "~";

    private readonly string _synced;
    private readonly string _beat;
    private readonly Dictionary<RequestKind, string> _requests = [];

    /// <summary>With the default prefixes.</summary>
    public static readonly Subjects Default = new(new SubjectOptions());

    /// <summary>With other prefixes.</summary>
    /// <exception cref="SyncException">A prefix is no subject.</exception>
    public Subjects(SubjectOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        options.Validate();
        _synced = options.SyncedPrefix + '.';
        _beat = options.SyncPrefix + ".beat.";
        foreach (var kind in Enum.GetValues<RequestKind>())
            _requests[kind] = $"{options.SyncPrefix}.{Word(kind)}.";
    }

    /// <summary>Where a key's envelopes go.</summary>
    /// <exception cref="SyncException">A name breaks its rule (<see cref="SyncErrorCode.Invalid"/>).</exception>
    public string Of(SyncedKey key) => _synced + KeyTokens(key);

    /// <inheritdoc/>
    public string Of(SyncedPattern pattern)
    {
        if (Patterns.Check(pattern) is { } wrong) throw Invalid(wrong);
        var vault = pattern.Vault is not null ? VaultTokens(pattern.Vault) : $"{SubjectToken.Encode(pattern.Group!)}.*";
        return $"{_synced}{vault}.{(pattern.Collection is null ? "*" : SubjectToken.Encode(pattern.Collection))}.*";
    }

    /// <summary>False for the vault of a group's own name (partition token <c>_</c>): the group's wildcard matches it, though
    /// it is no shard.</summary>
    public bool Follows(SyncedPattern pattern, ReadOnlySpan<byte> subject)
    {
        if (pattern.Group is null) return true;
        if (subject.Length <= _synced.Length) return false;
        var afterPrefix = subject[_synced.Length..];
        return !afterPrefix[(afterPrefix.IndexOf((byte)'.') + 1)..].StartsWith("_."u8);
    }

    /// <summary>Reads an envelope's subject. Strict: every key has exactly one subject, and hostile input only gives false.</summary>
    public bool TryParse(ReadOnlySpan<char> subject, out SyncedKey key)
    {
        key = default;
        return subject.Length <= LengthMax
            && subject.StartsWith(_synced, StringComparison.Ordinal)
            && TryParseKey(subject[_synced.Length..], out key);
    }

    /// <inheritdoc/>
    public string OfBeat(FeedId feed) => _beat + feed;

    /// <inheritdoc/>
    public string Beats => _beat + "*";

    /// <summary>A request about one key: get, put or history.</summary>
    /// <exception cref="SyncException">A name breaks its rule, or the kind is about something else.</exception>
    public string OfRequest(RequestKind kind, SyncedKey key)
    {
        Expect(kind, Shape.Key);
        return _requests[kind] + KeyTokens(key);
    }

    /// <summary>A request about a collection: snapshot, changes or append.</summary>
    /// <exception cref="SyncException">A name breaks its rule, or the kind is about something else.</exception>
    public string OfRequest(RequestKind kind, string vault, string collection)
    {
        Expect(kind, Shape.Collection);
        return $"{_requests[kind]}{VaultTokens(vault)}.{CollectionToken(collection)}";
    }

    /// <summary>Many keys of one vault.</summary>
    /// <exception cref="SyncException">The name breaks its rule.</exception>
    public string OfGetMany(string vault) => _requests[RequestKind.GetMany] + VaultTokens(vault);

    /// <summary>Many keys of a whole group; each item of the request names its vault.</summary>
    /// <exception cref="SyncException">The name breaks its rule.</exception>
    public string OfGroupGetMany(string group) => $"{_requests[RequestKind.GetMany]}{GroupToken(group)}.{AnyPartition}";

    /// <summary>Snapshot or changes of one collection in a whole group.</summary>
    /// <exception cref="SyncException">A name breaks its rule, or the kind has no group form.</exception>
    public string OfGroupRequest(RequestKind kind, string group, string collection)
    {
        if (kind is not (RequestKind.Snapshot or RequestKind.Changes)) throw Invalid($"a {kind} request has no group form");
        return $"{_requests[kind]}{GroupToken(group)}.{AnyPartition}.{CollectionToken(collection)}";
    }

    /// <summary>Snapshot or changes of a scope: exactly one subject for each (partition token <c>~</c> = the whole group,
    /// collection token <c>~</c> = all collections; no name is written so).</summary>
    /// <exception cref="SyncException">A name breaks its rule, or the kind is about something else.</exception>
    public string OfScope(RequestKind kind, SyncedPattern scope)
    {
        if (kind is not (RequestKind.Snapshot or RequestKind.Changes)) throw Invalid($"a {kind} request is not about a scope");
        if (Patterns.Check(scope) is { } wrong) throw Invalid(wrong);
        var vault = scope.Vault is null ? $"{SubjectToken.Encode(scope.Group!)}.{AnyPartition}" : VaultTokens(scope.Vault);
        return $"{_requests[kind]}{vault}.{(scope.Collection is null ? AnyCollection : SubjectToken.Encode(scope.Collection))}";
    }

    /// <summary>The shard vaults of a group.</summary>
    /// <exception cref="SyncException">The name breaks its rule.</exception>
    public string OfVaults(string group) => _requests[RequestKind.Vaults] + GroupToken(group);

    /// <summary>A write forwarded to the owner of a feed.</summary>
    public string OfOwn(FeedId feed) => _requests[RequestKind.Own] + feed;

    /// <summary>What a responder of one kind subscribes to.</summary>
    public string AllOf(RequestKind kind) => _requests[kind] + ShapeOf(kind) switch
    {
        Shape.Key => "*.*.*.*",
        Shape.Collection => "*.*.*",
        Shape.Vault => "*.*",
        _ => "*",
    };

    /// <summary>Reads a request's subject; otherwise as <see cref="TryParse"/>.</summary>
    public bool TryParseRequest(ReadOnlySpan<char> subject, out RequestSubject request)
    {
        request = default;
        if (subject.Length > LengthMax) return false;
        foreach (var (kind, prefix) in _requests)
            if (subject.StartsWith(prefix, StringComparison.Ordinal))
                return TryParseRequest(kind, subject[prefix.Length..], out request);
        return false;
    }

    private static bool TryParseRequest(RequestKind kind, ReadOnlySpan<char> rest, out RequestSubject request)
    {
        request = default;
        switch (ShapeOf(kind))
        {
            case Shape.Key:
                if (!TryParseKey(rest, out var key)) return false;
                request = new RequestSubject(kind, null, key.Vault, key.Collection, key.Key, null);
                return true;
            case Shape.Feed:
                if (!TryParseFeed(rest, out var feed)) return false;
                request = new RequestSubject(kind, null, null, null, null, feed);
                return true;
            case Shape.Group:
                if (!TryParseGroup(rest, out var only)) return false;
                request = new RequestSubject(kind, only, null, null, null, null);
                return true;
        }
        Span<Range> parts = stackalloc Range[4];
        var expected = ShapeOf(kind) == Shape.Collection ? 3 : 2;
        if (rest.Split(parts, '.') != expected) return false;
        string? collection = null;
        if (expected == 3 && !(rest[parts[2]] is AnyCollection && kind is not RequestKind.Append)
            && !TryParseCollection(rest[parts[2]], out collection)) return false;
        string? group = null, vault = null;
        var named = rest[parts[1]] is AnyPartition && kind is not RequestKind.Append
            ? TryParseGroup(rest[parts[0]], out group)
            : TryParseVault(rest[parts[0]], rest[parts[1]], out vault);
        if (!named) return false;
        request = new RequestSubject(kind, group, vault, collection, null, null);
        return true;
    }

    private static bool TryParseKey(ReadOnlySpan<char> rest, out SyncedKey key)
    {
        key = default;
        Span<Range> parts = stackalloc Range[5];
        if (rest.Split(parts, '.') != 4
            || !TryParseVault(rest[parts[0]], rest[parts[1]], out var vault)
            || !TryParseCollection(rest[parts[2]], out var collection)
            || !SubjectToken.TryDecode(rest[parts[3]], out var name)
            || Names.CheckKey(name) is not null)
            return false;
        key = new SyncedKey(vault!, collection!, name);
        return true;
    }

    private static bool TryParseVault(ReadOnlySpan<char> first, ReadOnlySpan<char> second, out string? vault)
    {
        vault = null;
        if (!SubjectToken.TryDecode(first, out var group) || !SubjectToken.TryDecode(second, out var partition)) return false;
        var name = partition == NoPartition ? group : group + Names.ShardSeparator + partition;
        if (Names.CheckVault(name) is not null) return false;
        // "a-" and "b" would join to a vault that splits elsewhere, and "a--b" with "_" is a shard written as none.
        var split = Names.Split(name);
        if (split.Group != group || (split.Partition ?? NoPartition) != partition) return false;
        vault = name;
        return true;
    }

    private static bool TryParseGroup(ReadOnlySpan<char> token, out string? group)
    {
        group = null;
        if (!SubjectToken.TryDecode(token, out var name) || Names.CheckGroup(name) is not null) return false;
        group = name;
        return true;
    }

    private static bool TryParseCollection(ReadOnlySpan<char> token, out string? collection)
    {
        collection = null;
        if (!SubjectToken.TryDecode(token, out var name) || Names.CheckCollection(name) is not null) return false;
        collection = name;
        return true;
    }

    private static bool TryParseFeed(ReadOnlySpan<char> token, out FeedId feed)
    {
        feed = default;
        if (!WholeNumber.TryParseCanonical(token, Feeds.CountMax - 1, out var number)) return false;
        feed = new FeedId((int)number);
        return true;
    }

    private static string KeyTokens(SyncedKey key)
    {
        if (Names.CheckKey(key.Key) is { } wrong) throw Invalid(wrong);
        return $"{VaultTokens(key.Vault)}.{CollectionToken(key.Collection)}.{SubjectToken.Encode(key.Key)}";
    }

    private static string VaultTokens(string vault)
    {
        if (Names.CheckVault(vault) is { } wrong) throw Invalid(wrong);
        var (group, partition) = Names.Split(vault);
        return $"{SubjectToken.Encode(group)}.{(partition is null ? NoPartition : SubjectToken.Encode(partition))}";
    }

    private static string GroupToken(string group) =>
        Names.CheckGroup(group) is { } wrong ? throw Invalid(wrong) : SubjectToken.Encode(group);

    private static string CollectionToken(string collection) =>
        Names.CheckCollection(collection) is { } wrong ? throw Invalid(wrong) : SubjectToken.Encode(collection);

    private enum Shape { Key, Collection, Vault, Group, Feed }

    private static Shape ShapeOf(RequestKind kind) => kind switch
    {
        RequestKind.Get or RequestKind.Put or RequestKind.History => Shape.Key,
        RequestKind.Snapshot or RequestKind.Changes or RequestKind.Append => Shape.Collection,
        RequestKind.GetMany => Shape.Vault,
        RequestKind.Vaults => Shape.Group,
        _ => Shape.Feed,
    };

    private static string Word(RequestKind kind) => kind switch
    {
        RequestKind.Get => "get",
        RequestKind.GetMany => "getmany",
        RequestKind.Snapshot => "snapshot",
        RequestKind.Changes => "changes",
        RequestKind.Put => "put",
        RequestKind.Vaults => "vaults",
        RequestKind.History => "history",
        RequestKind.Own => "own",
        _ => "append",
    };

    private static void Expect(RequestKind kind, Shape shape)
    {
        if (ShapeOf(kind) != shape) throw Invalid($"a {kind} request is not about a {shape}");
    }

    private static SyncException Invalid(string message) => new(SyncErrorCode.Invalid, message);
}
