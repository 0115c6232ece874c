namespace Sync.Ledger;

/// <summary>Requests in arrival order: an intrusive list, so that taking many from the front costs nothing per
/// neighbour.</summary>
internal sealed class WaitingWrites
{
    private WriteRequest? _last;

    public WriteRequest? First { get; private set; }

    public bool IsEmpty => First is null;

    public void Append(WriteRequest request)
    {
        request.Next = null;
        if (_last is null) First = request;
        else _last.Next = request;
        _last = request;
    }

    /// <summary>Puts requests back before all others, in their order.</summary>
    public void Prepend(IReadOnlyList<WriteRequest> requests)
    {
        for (var index = requests.Count - 1; index >= 0; index--)
        {
            requests[index].Next = First;
            First = requests[index];
            _last ??= requests[index];
        }
    }

    /// <summary>Takes a request out; <paramref name="before"/> is the one in front of it, null for the
    /// first.</summary>
    public void Remove(WriteRequest? before, WriteRequest request)
    {
        if (before is null) First = request.Next;
        else before.Next = request.Next;
        if (_last == request) _last = before;
        request.Next = null;
    }

    public List<WriteRequest> RemoveWhere(Func<WriteRequest, bool> condition)
    {
        var removed = new List<WriteRequest>();
        WriteRequest? before = null;
        for (var request = First; request is not null;)
        {
            var next = request.Next;
            if (condition(request))
            {
                Remove(before, request);
                removed.Add(request);
            }
            else
            {
                before = request;
            }
            request = next;
        }
        return removed;
    }
}
