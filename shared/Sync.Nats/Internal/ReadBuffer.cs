namespace Sync.Nats.Internal;

/// <summary>
/// The bytes of one connection between socket and parser; used by one task at a time, first the handshake's, then the
/// read loop's, so nothing that follows the handshake is lost. Grows for a frame larger than itself (the parser has
/// checked its limits before it asks for more) and goes back to its size afterwards.
/// </summary>
internal sealed class ReadBuffer(int size)
{
    private const int LargeKeptFor = 64;

    private byte[] _bytes = new byte[size];
    private int _start;
    private int _end;
    private int _needed = 1;
    private int _fillsWithoutLarge;

    public ReadOnlySpan<byte> Unread => _bytes.AsSpan(_start, _end - _start);

    /// <summary>False while the bytes that the parser asked for are not all there: no use to try again.</summary>
    public bool IsEnough => _end - _start >= _needed;

    public void Advance(int count)
    {
        _start += count;
        _needed = 1;
        if (_start == _end)
            _start = _end = 0;
    }

    public void Need(int count) => _needed = count;

    /// <summary>Reads what is there, at least one byte; 0 at the end of the stream.</summary>
    public async ValueTask<int> FillAsync(Stream stream, CancellationToken cancellationToken = default)
    {
        MakeRoom();
        var read = await stream.ReadAsync(_bytes.AsMemory(_end), cancellationToken).ConfigureAwait(false);
        _end += read;
        return read;
    }

    private void MakeRoom()
    {
        var unread = _end - _start;
        var wanted = Math.Max(_needed, size);
        _fillsWithoutLarge = wanted > size ? 0 : _fillsWithoutLarge + 1;
        // Not at once: a run of large messages would pay for a new buffer each.
        var shrink = _bytes.Length > size && _fillsWithoutLarge > LargeKeptFor && unread <= size / 2;
        if (_bytes.Length < _needed || shrink)
        {
            var other = new byte[wanted];
            Unread.CopyTo(other);
            (_bytes, _start, _end) = (other, 0, unread);
        }
        else if (_bytes.Length - _start < _needed || _bytes.Length - _end < _bytes.Length / 8)
        {
            Unread.CopyTo(_bytes);
            (_start, _end) = (0, unread);
        }
    }
}
