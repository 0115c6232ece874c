using Sync.Contracts;

namespace Sync.Replication;

/// <summary>The followed keys of one collection: a subscription each while they are few, one subscription of the whole
/// collection when they are many.
/// <para>Why nothing is lost at a switch: whatever is to deliver from now on is confirmed before what delivered until now is
/// ended, so between the two a message comes twice, and the second is ignored by its sequence. What an ended subscription had
/// received and not delivered shows in one batched check of the keys afterwards. All fields are guarded by the
/// hub's lock; one task at a time makes the switches, and goes on until what is wanted is what is.</para></summary>
internal sealed class KeyCollection(
    ReplicaHub hub, SyncedPattern pattern, ITransport transport, Lock gate, KeyCollectionTimes times) : IEnvelopeHandler
{
    private readonly HashSet<KeyGroup> _groups = [];
    private IAsyncDisposable? _whole;
    private Task _switching = Task.CompletedTask;
    private bool _isSwitching;

    /// <summary>What it follows.</summary>
    public SyncedPattern Pattern => pattern;

    /// <summary>True when no key is followed and nothing is subscribed.</summary>
    public bool IsEmpty => _groups.Count == 0 && _whole is null && !_isSwitching;

    // Far apart, so that a key that comes and goes at the limit does not switch each time.
    private bool WantsWhole => _groups.Count > times.WholeAbove || (_whole is not null && _groups.Count * 2 > times.WholeAbove);

    /// <summary>Under the lock: a key is followed.</summary>
    public void Add(KeyGroup group)
    {
        _groups.Add(group);
        Switch();
    }

    /// <summary>Under the lock: a key is not followed any more.</summary>
    public void Remove(KeyGroup group)
    {
        _groups.Remove(group);
        Switch();
    }

    /// <summary>Under the lock: makes sure that a key is delivered.</summary>
    public Task SubscribeAsync(KeyGroup group, CancellationToken stopping) =>
        _whole is not null ? Task.CompletedTask : group.SubscribeAsync(transport, stopping);

    /// <summary>The hub has stopped: no switch goes on, and nothing stays subscribed.</summary>
    public async Task EndAsync()
    {
        Task switching;
        lock (gate) switching = _switching;
        await switching.ConfigureAwait(false);
        if (_whole is not null) await _whole.DisposeAsync().ConfigureAwait(false);
    }

    void IEnvelopeHandler.Receive(Envelope envelope) => hub.GroupOf(envelope.Key)?.Receive(envelope);

    // Which of them missed something cannot be said.
    void IEnvelopeHandler.Disrupted(Disruption disruption)
    {
        KeyGroup[] groups;
        lock (gate) groups = [.. _groups];
        hub.Disrupted(groups, disruption);
    }

    private void Switch()
    {
        if (_isSwitching || WantsWhole == (_whole is not null)) return;
        _isSwitching = true;
        _switching = Task.Run(SwitchAsync, CancellationToken.None);
    }

    private async Task SwitchAsync()
    {
        while (true)
        {
            bool wantsWhole;
            lock (gate)
            {
                wantsWhole = WantsWhole;
                if (wantsWhole == (_whole is not null) || times.Stopping.IsCancellationRequested)
                {
                    _isSwitching = false;
                    hub.Forget(this);
                    return;
                }
            }
            try
            {
                if (wantsWhole) await ToWholeAsync().ConfigureAwait(false);
                else await ToKeysAsync().ConfigureAwait(false);
            }
            catch (Exception error)
            {
                // What delivered until now still does.
                if (!times.Stopping.IsCancellationRequested) hub.Log.SwitchFailed(pattern, error);
                await Task.Delay(times.Pause, times.Time, times.Stopping)
                    .ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }
    }

    private async Task ToWholeAsync()
    {
        var whole = await transport.SubscribeAsync(pattern, this, times.Stopping).ConfigureAwait(false);
        KeyGroup[] groups;
        lock (gate)
        {
            _whole = whole;
            groups = [.. _groups];
        }
        foreach (var group in groups) await group.EndAsync(gate).ConfigureAwait(false);
        hub.Check(groups);
        hub.Log.Switched(pattern, groups.Length, "one subscription");
    }

    private async Task ToKeysAsync()
    {
        IAsyncDisposable whole;
        KeyGroup[] groups;
        while (true)
        {
            List<Task> subscribing;
            lock (gate)
            {
                subscribing = [.. _groups.Where(group => !group.IsSubscribed).Select(group => group.SubscribeAsync(transport, times.Stopping))];
                (whole, groups) = (_whole!, [.. _groups]);
                if (subscribing.Count == 0)
                {
                    _whole = null;
                    break;
                }
            }
            await Task.WhenAll(subscribing).ConfigureAwait(false);
        }
        await whole.DisposeAsync().ConfigureAwait(false);
        hub.Check(groups);
        hub.Log.Switched(pattern, groups.Length, "a subscription each");
    }
}

/// <summary>When to switch, and how long to wait after a failure.</summary>
internal sealed record KeyCollectionTimes(int WholeAbove, TimeSpan Pause, TimeProvider Time, CancellationToken Stopping);
