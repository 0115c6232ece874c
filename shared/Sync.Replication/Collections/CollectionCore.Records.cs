using Sync.Contracts;

namespace Sync.Replication;

/// <summary>The rules and gates that every record passes.</summary>
public sealed partial class CollectionCore<T>
{
    private readonly Queue<(CollectionPart<T> Part, string Key, long Sequence)> _toRefetch = new();
    private SchemaVersion _expected;
    private SchemaVersion _refusedMajor;   // the writer's own answer had it: asking again would bring it again
    private CollectionPart<T>? _recent;
    private string? _passedText;           // a version that passed; null passes always
    private long _count;
    private int _refused, _reasons;

    private enum RecordOrigin
    {
        Live,
        Page,
        Changes,
        Answer,
    }

    // Most envelopes are of the collection of the one before.
    private CollectionPart<T>? FindPart(string vault, string collection)
    {
        if (_recent is { } recent && recent.Collection == collection && recent.Vault == vault) return recent;
        if (_parts.TryGetValue((vault, collection), out var part)) _recent = part;
        return part;
    }

    // Null: the collection is of another feed, or its names are none.
    private CollectionPart<T>? PartOf(CollectionFeed<T> feed, string vault, string collection)
    {
        if (FindPart(vault, collection) is { } part)
        {
            if (part.IsOld) (part.Feed, part.IsOld) = (feed.Id!.Value, false);
            if (part.Feed == feed.Id) return part;
        }
        else if (Names.CheckVault(vault) is null && Names.CheckCollection(collection) is null)
        {
            part = new(vault, collection, feed.Id!.Value);
            _parts.Add((vault, collection), part);
            if (_isOneCollection) _onlyPart = part;
            return part;
        }
        _counters.WrongKey++;
        return null;
    }

    private void TakeAll(
        CollectionFeed<T> feed, IReadOnlyList<Envelope> envelopes, RecordOrigin origin, CollectionEffects<T> effects)
    {
        foreach (var envelope in envelopes)
        {
            if (!IsOfScope(envelope)) _counters.WrongKey++;
            else if (PartOf(feed, envelope.Key.Vault, envelope.Key.Collection) is { } part)
                Take(feed, part, envelope, origin, effects);
        }
    }

    private void Take(
        CollectionFeed<T> feed, CollectionPart<T> part, Envelope envelope, RecordOrigin origin,
        CollectionEffects<T> effects)
    {
        var (key, sequence, position) = (envelope.Key.Key, envelope.Sequence.Value, envelope.Position.Value);
        var slot = part.Records.Find(key);
        var isRefused = part.TryRefusal(key, out var refusal);
        if (position > part.Last) part.Last = position;
        if (origin == RecordOrigin.Page)
        {
            if (slot >= 0) part.Records[slot].Round = feed.Round;
            if (isRefused) part.Keep(key, refusal with { Round = feed.Round });
        }
        else if (IsKnown(feed, envelope.Key, position)
            && !(origin == RecordOrigin.Answer && isRefused && sequence == refusal.Sequence))
        {
            _counters.IgnoredStale++;
            return;
        }
        if (sequence <= HeldSequence(part, slot, key) && !_rules.Faults.SequenceNotChecked)
        {
            _counters.IgnoredStale++;
            return;
        }
        if (slot < 0 && !isRefused && Names.CheckKey(key) is not null)
        {
            _counters.WrongKey++;
            return;
        }
        if (envelope.IsTombstone)
        {
            if (!_rules.Faults.TombstoneIgnored) Delete(feed, part, slot, envelope, effects);
            return;
        }
        if (Gate(envelope, out var value) is { } reason) Refuse(feed, part, slot, envelope, reason, origin, effects);
        else Put(feed, part, slot, envelope, value!, origin, effects);
    }

    // What happened up to there is in what is held, or was when the page of the key's range was read.
    private bool IsKnown(CollectionFeed<T> feed, SyncedKey key, long position) =>
        (position <= feed.Covered && !_rules.Faults.CoveredNotChecked)
        || (feed.IsSettling && position <= feed.SettledTo(key) && !_rules.Faults.RangesNotSettled);

    private static long HeldSequence(CollectionPart<T> part, int slot, string key)
    {
        if (slot >= 0 && part.Records[slot].Position > 0) return part.Records[slot].Sequence;
        return part.Tombstones is { } tombstones && tombstones.TryGetValue(key, out var tombstone)
            ? tombstone.Sequence
            : Sequence.Unknown.Value;
    }

    /// <summary>Null when the value passed both gates, else why not.</summary>
    private string? Gate(Envelope envelope, out T? value)
    {
        value = default;
        var version = envelope.SchemaVersion;
        if (version.Text != _passedText)
        {
            if (!version.AllowsMajorOf(_expected) && !_rules.Faults.MajorIgnored)
            {
                _counters.SchemaSkews++;
                return $"schema version {version} is of another major than {_expected}";
            }
            _passedText = version.Text;
        }
        var parsed = Parse(envelope);
        if (parsed.IsOk)
        {
            value = parsed.Value;
            return null;
        }
        _counters.ParseErrors++;
        return parsed.Error;
    }

    // A schema must not throw; one that does is a parse error like any other.
    private ParseResult<T> Parse(Envelope envelope)
    {
        try
        {
            return envelope.Parse(_schema);
        }
        catch (Exception error)
        {
            return ParseResult<T>.Err($"the schema threw {error.GetType().Name}: {error.Message}");
        }
    }

    private void Put(
        CollectionFeed<T> feed, CollectionPart<T> part, int slot, Envelope envelope, T value, RecordOrigin origin,
        CollectionEffects<T> effects)
    {
        var key = envelope.Key.Key;
        if (slot < 0)
        {
            if (_count == _rules.RecordsMax)
            {
                _isFull = true;
                return;
            }
            slot = part.Records.Add(key);
            _count++;
            part.ForgetTombstone(key);
        }
        ref var entry = ref part.Records[slot];
        entry.Value = value;
        (entry.Sequence, entry.Position) = (envelope.Sequence.Value, envelope.Position.Value);
        entry.Hash = envelope.Hash.IsZero ? Hash256.Of(envelope.Value.Span) : envelope.Hash;
        (entry.Id, entry.Time) = (envelope.Id.Value, envelope.Time.UnixMicroseconds);
        entry.Version = _versions.NumberOf(envelope.SchemaVersion.Text);
        entry.Producer = _producers.NumberOf(envelope.Producer);
        if (origin == RecordOrigin.Page) entry.Round = feed.Round;
        _counters.Applied++;
        Accept(feed, part, key, envelope.Sequence.Value);
        Announce(CollectionChangeKind.Put, envelope, value, origin, effects);
    }

    private void Delete(
        CollectionFeed<T> feed, CollectionPart<T> part, int slot, Envelope envelope, CollectionEffects<T> effects)
    {
        var key = envelope.Key.Key;
        if (feed.Tombstones >= _rules.RecordsMax)
        {
            _isFull = true;
            return;
        }
        feed.Keep(part, key, new(envelope.Sequence.Value, envelope.Position.Value));
        if (_rules.Faults.TombstoneForgottenAtOnce) part.ForgetTombstone(key);
        _counters.Applied++;
        Accept(feed, part, key, envelope.Sequence.Value);
        if (slot < 0) return;
        part.Records.Remove(slot);
        _count--;
        Announce(CollectionChangeKind.Removed, envelope, default, RecordOrigin.Live, effects);
    }

    private void Refuse(
        CollectionFeed<T> feed, CollectionPart<T> part, int slot, Envelope envelope, string reason, RecordOrigin origin,
        CollectionEffects<T> effects)
    {
        var (key, sequence) = (envelope.Key.Key, envelope.Sequence.Value);
        var isRefused = part.TryRefusal(key, out var known);
        var isMajor = !envelope.SchemaVersion.AllowsMajorOf(_expected);
        // Anything but a live envelope is the writer's own word: asking again would bring the same.
        if (origin != RecordOrigin.Live && isMajor) _refusedMajor = envelope.SchemaVersion;
        if (isRefused && sequence <= known.Sequence && !_rules.Faults.RefetchForever) return;
        if (!isRefused && _refused == _rules.RecordsMax)
        {
            _isFull = true;
            return;
        }
        if (!isRefused)
        {
            _refused++;
            feed.Refused++;
        }
        if (known.Reason is not null) _reasons--;
        var isListed = _reasons < _rules.SkewsListedMax;
        if (isListed) _reasons++;
        var round = origin == RecordOrigin.Page ? feed.Round : 0;
        part.Keep(key, new RefusedValue(sequence, envelope.Position.Value, isListed ? reason : null, round));
        if (slot >= 0 && _rules.Faults.RefusedClears)
        {
            part.Records.Remove(slot);
            _count--;
        }
        var mayHeal = origin == RecordOrigin.Live
            && !(isMajor && _refusedMajor.Text is not null && _refusedMajor.AllowsMajorOf(envelope.SchemaVersion));
        if ((mayHeal || _rules.Faults.RefetchForever) && _toRefetch.Count < _rules.RefetchQueueMax)
            _toRefetch.Enqueue((part, key, sequence));
        Announce(CollectionChangeKind.Refused, envelope, default, origin, effects);
    }

    // A value or a tombstone of at least this sequence was applied: what was refused before it is over.
    private void Accept(CollectionFeed<T> feed, CollectionPart<T> part, string key, long sequence)
    {
        if (part.TryRefusal(key, out var refusal) && refusal.Sequence <= sequence)
            Forget(feed, part, key, refusal);
    }

    private void Forget(CollectionFeed<T> feed, CollectionPart<T> part, string key, RefusedValue refusal)
    {
        part.ForgetRefusal(key);
        if (refusal.Reason is not null) _reasons--;
        _refused--;
        feed.Refused--;
    }

    private static void Announce(
        CollectionChangeKind kind, Envelope envelope, T? value, RecordOrigin origin, CollectionEffects<T> effects) =>
        effects.Changes.Add(new(kind, envelope.Key, value, envelope.Sequence,
            new(envelope.Feed, envelope.History, envelope.Position), origin == RecordOrigin.Page));
}
