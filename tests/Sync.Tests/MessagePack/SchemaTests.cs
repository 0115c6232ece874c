using System.Text.Json.Serialization;
using Shouldly;
using Sync.Contracts;
using Sync.MessagePack;
using Xunit;

namespace Sync.Tests.MessagePack;

public sealed record Person(string Name, int Age)
{
    public int Age { get; init; } = Age >= 0 ? Age : throw new ArgumentOutOfRangeException(nameof(Age), "an age is not negative");
}

[JsonSerializable(typeof(Person))]
[JsonSerializable(typeof(int))]
[JsonSerializable(typeof(int?))]
[JsonSerializable(typeof(double))]
internal sealed partial class PersonContext : JsonSerializerContext;

public sealed class SchemaTests
{
    private static readonly SyncSchema<Person> Schema = SyncSchema.Json(PersonContext.Default.Person, new("2.1"));

    private static byte[] Pack(string json) => JsonTranscoder.ToMsgPack(System.Text.Encoding.UTF8.GetBytes(json), out _)!;

    [Fact]
    public void A_model_is_written_canonically_and_read_back()
    {
        var bytes = Samples.Bytes(to => Schema.Write(new Person("Ada", 36), to));
        bytes.ShouldBe(Pack("""{"Name":"Ada","Age":36}"""));
        Schema.Parse(bytes).Value.ShouldBe(new Person("Ada", 36));
        Schema.Version.ShouldBe(new SchemaVersion("2.1"));
        Schema.Share.ShouldBeTrue();
    }

    [Theory]
    [InlineData("""{"Name":"Ada","Age":"x"}""", "$.Age")]
    [InlineData("""{"Name":"Ada","Age":-1}""", "an age is not negative")]
    [InlineData("""{"Name":"Ada","Age":1.5}""", "$.Age")]
    [InlineData("[1]", "$")]
    [InlineData("null", "nil")]
    public void A_value_that_is_no_such_model_is_an_error_with_its_place(string json, string part) =>
        Schema.Parse(Pack(json)).Error.ShouldNotBeNull().ShouldContain(part);

    [Theory]
    [InlineData("")]
    [InlineData("c1")]
    [InlineData("c0c0")]
    [InlineData("c40100")]
    [InlineData("82a44e616d65a161a44e616d65a162")]
    [InlineData("81a44e616d65a1ff")]
    public void Bytes_that_are_no_json_are_an_error_and_never_an_exception(string hex) =>
        Schema.Parse(Convert.FromHexString(hex)).Error.ShouldNotBeNullOrEmpty();

    [Fact]
    public void Nil_is_a_value_only_where_the_model_has_it()
    {
        byte[] nil = [0xc0];
        SyncSchema.Json(PersonContext.Default.Int32, default).Parse(nil).IsOk.ShouldBeFalse();
        var nullable = SyncSchema.Json(PersonContext.Default.NullableInt32, default).Parse(nil);
        nullable.IsOk.ShouldBeTrue();
        nullable.Value.ShouldBeNull();
        SyncSchema.Json(PersonContext.Default.Person, default, allowNil: true).Parse(nil).IsOk.ShouldBeTrue();
    }

    [Fact]
    public void A_model_that_has_no_bytes_is_refused_by_name()
    {
        var schema = SyncSchema.Json(PersonContext.Default.Double, default);
        Samples.Bytes(to => schema.Write(2, to)).ShouldBe([0x02]);
        Should.Throw<ArgumentException>(() => Samples.Bytes(to => schema.Write(double.NaN, to)));
    }

    [Theory]
    [InlineData("80", true)]
    [InlineData("81a16101", true)]
    [InlineData("d66401020304", true)]
    [InlineData("c0", false)]
    [InlineData("90", false)]
    [InlineData("d60501020304", false)]
    [InlineData("81a161", false)]
    [InlineData("8080", false)]
    [InlineData("d6640102030405", false)]
    [InlineData("", false)]
    public void A_document_is_a_map_or_a_sealed_value(string hex, bool passes)
    {
        var bytes = Convert.FromHexString(hex);
        var parsed = SyncSchema.Document.Parse(bytes);
        parsed.IsOk.ShouldBe(passes);
        if (passes) parsed.Value.ToArray().ShouldBe(bytes);
        SyncSchema.Raw.Parse(bytes).Value.ToArray().ShouldBe(bytes);
        Samples.Bytes(to => SyncSchema.Document.Write(bytes, to)).ShouldBe(bytes);
    }

    [Fact]
    public void Many_threads_share_one_schema_and_one_codec()
    {
        var bytes = Samples.Bytes(to => EnvelopeCodec.Default.Encode(Samples.Envelope(), to));
        var person = Samples.Bytes(to => Schema.Write(new Person("Ada", 36), to));
        Parallel.For(0, 20_000, new ParallelOptions { MaxDegreeOfParallelism = 4 }, index =>
        {
            var envelope = new Envelope
            {
                Key = new($"v{index % 3000}", "user", $"k{index}"),
                Value = person,
                SchemaVersion = new($"{index % 2000}.0"),
                Sequence = new(1),
                Producer = $"service:{index % 2500}",
            };
            var decoded = EnvelopeCodec.Default.Decode(Samples.Bytes(to => EnvelopeCodec.Default.Encode(envelope, to)));
            if (decoded.Value.Key != envelope.Key || decoded.Value.Producer != envelope.Producer
                || decoded.Value.SchemaVersion != envelope.SchemaVersion || decoded.Value.Parse(Schema).Value.Age != 36)
                throw new InvalidOperationException($"{index}: {decoded.Value.Key}");
        });
        EnvelopeCodec.Default.Decode(bytes).Value.ShouldBeSameAs(Samples.Envelope());
    }
}
