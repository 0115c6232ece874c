using System.Text;

namespace Sync.Transport.Internal;

/// <summary>Who follows which subject within one process: literal subjects by a hash, wildcards one by one. Only the owner
/// calls it, under the owner's lock.</summary>
internal sealed class InProcessRouting
{
    private readonly Dictionary<string, List<InProcessSubscription>> _literal = new(StringComparer.Ordinal);
    private readonly List<InProcessSubscription> _wildcards = [];
    private readonly Dictionary<string, int> _groups = new(StringComparer.Ordinal);
    private long _turn;

    public int Count { get; private set; }

    public void Add(InProcessSubscription subscription)
    {
        Count++;
        if (subscription.IsWildcard)
        {
            _wildcards.Add(subscription);
            return;
        }
        if (!_literal.TryGetValue(subscription.Subject, out var list)) _literal[subscription.Subject] = list = [];
        list.Add(subscription);
    }

    public void Remove(InProcessSubscription subscription)
    {
        if (subscription.IsWildcard)
        {
            if (_wildcards.Remove(subscription)) Count--;
            return;
        }
        if (!_literal.TryGetValue(subscription.Subject, out var list) || !list.Remove(subscription)) return;
        Count--;
        if (list.Count == 0) _literal.Remove(subscription.Subject);
    }

    /// <summary>All members to call for a message: everyone outside a queue group, and one of each group in turn.</summary>
    public void Match(string subject, long number, List<InProcessSubscription> matched)
    {
        if (_literal.TryGetValue(subject, out var list))
            foreach (var subscription in list) Take(subscription, number, matched);
        foreach (var subscription in _wildcards)
            if (SubjectRules.Matches(subscription.Subject, subject)) Take(subscription, number, matched);
        if (_groups.Count == 0) return;
        foreach (var (group, members) in _groups) KeepOne(group, (int)(_turn % members), matched);
        _turn++;
        _groups.Clear();
    }

    // Whoever subscribed behind a message does not get it.
    private void Take(InProcessSubscription subscription, long number, List<InProcessSubscription> matched)
    {
        if (number < subscription.From) return;
        matched.Add(subscription);
        if (subscription.QueueGroup is { } group) _groups[group] = _groups.GetValueOrDefault(group) + 1;
    }

    private static void KeepOne(string group, int chosen, List<InProcessSubscription> matched)
    {
        var member = 0;
        matched.RemoveAll(subscription => subscription.QueueGroup == group && member++ != chosen);
    }
}

/// <summary>One subscription. <see cref="IsEnded"/> goes from false to true once.</summary>
internal sealed class InProcessSubscription(
    InProcessBus bus, string subject, string? queueGroup, IBusReceiver receiver) : IAsyncDisposable
{
    private volatile bool _ended;

    public string Subject => subject;
    public string? QueueGroup => queueGroup;
    public IBusReceiver Receiver => receiver;
    public bool IsWildcard { get; } = subject.AsSpan().ContainsAny('*', '>');
    public long From { get; set; }
    public bool IsEnded => _ended;

    public ValueTask DisposeAsync()
    {
        if (_ended) return ValueTask.CompletedTask;
        _ended = true;
        bus.Remove(this);
        return ValueTask.CompletedTask;
    }
}

/// <summary>A message in the queue; or, with <see cref="Flushed"/>, the mark of a flush.</summary>
internal readonly record struct InProcessItem(
    string Subject, byte[] Payload, string? ReplyTo, BusHeaders? Headers, TaskCompletionSource? Flushed)
{
    /// <summary>Place in the order of the bus.</summary>
    public long Number { get; init; }

    public int Size => Payload.Length + (Subject.Length * sizeof(char));

    public byte[] SubjectBytes => Encoding.ASCII.GetBytes(Subject);

    public byte[] ReplyToBytes => ReplyTo is null ? [] : Encoding.ASCII.GetBytes(ReplyTo);
}
