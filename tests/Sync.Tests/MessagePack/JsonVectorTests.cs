using System.Text;
using Shouldly;
using Sync.MessagePack;
using Xunit;

namespace Sync.Tests.MessagePack;

public sealed class JsonVectorTests
{
    [Fact]
    public void Json_becomes_the_bytes_of_the_vectors_and_those_become_json()
    {
        foreach (var vector in VectorFile.Vectors("json.json", "both"))
        {
            var json = vector.Text("json")!;
            var packed = JsonTranscoder.ToMsgPack(Encoding.UTF8.GetBytes(json), out var error);
            error.Message.ShouldBeNull(json);
            Convert.ToHexStringLower(packed!).ShouldBe(vector.Text("hex"), json);
            MsgPackCheck.Check(packed).ShouldBeNull(json);
            Encoding.UTF8.GetString(JsonTranscoder.ToJson(packed, out _)!).ShouldBe(vector.Text("back"), json);
        }
        foreach (var vector in VectorFile.Vectors("json.json", "to_json"))
            Encoding.UTF8.GetString(JsonTranscoder.ToJson(vector.Bytes(), out _)!).ShouldBe(vector.Text("json"), vector.Name());
    }

    [Fact]
    public void Json_that_is_refused_says_which_kind_of_fault_it_has()
    {
        foreach (var vector in VectorFile.Vectors("json.json", "refused"))
        {
            var json = vector.Text("json") is { } text ? Encoding.UTF8.GetBytes(text) : Convert.FromHexString(vector.Text("json_hex")!);
            var name = Encoding.UTF8.GetString(json);
            var buffer = new System.Buffers.ArrayBufferWriter<byte>();
            JsonTranscoder.TryToMsgPack(json, buffer, out var error).ShouldBeFalse(name);
            error.Fault.ShouldBe(vector.Text("fault") == "malformed" ? TranscodeFault.Malformed : TranscodeFault.InvalidValue, name);
            error.Message.ShouldNotBeNullOrEmpty(name);
            buffer.WrittenCount.ShouldBe(0, name);
        }
    }

    [Fact]
    public void MessagePack_that_is_no_json_names_the_path()
    {
        foreach (var vector in VectorFile.Vectors("json.json", "not_json"))
        {
            var buffer = new System.Buffers.ArrayBufferWriter<byte>();
            JsonTranscoder.TryToJson(vector.Bytes(), buffer, out var error).ShouldBeFalse(vector.Name());
            error.Fault.ShouldBe(TranscodeFault.NotJson, vector.Name());
            error.Message!.ShouldContain($"at {vector.Text("path")} ", Case.Sensitive, vector.Name());
            buffer.WrittenCount.ShouldBe(0, vector.Name());
        }
    }
}
